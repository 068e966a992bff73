"""What becomes of a service under load when something breaks: are answered writes lost, are answers wrong, and how soon is it back?

    python benches/service_faults.py [--things 2000] [FAULT ...]         -> benches/results/service-faults.json

`nearkin serve --workers 2` over made-up things; four clients, each over a new connection a request: two put things, look each up at once
(anything older than the answered write is wrong) and delete every third, two search for things that never change (hits must be those of the
beginning). Each fault comes after three seconds of this. `writes_back_s`, `reads_back_s`: from the fault to the first answer to a request
that was sent after it; `worst_read_s`: the slowest search from then on; in the end the folder is opened by itself and compared with what
was answered.
Faults: kill -9 of a worker, of the writer, of the spare and the writer at once; no file can grow (a limit on the writer, as a full disk);
the clock jumps by a day, forth and back (needs a C compiler); 60 clients that drip their bodies; bodies of 100 MB; 10,000 idle connections;
a stage file cut in half, found by a worker that starts.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.collection import Collection
from nearkin.evaluation.machine import machine
from nearkin.tables import Catalog
from nearkin.worlds import words

OUT = Path(__file__).parent / "results/service-faults.json"
BEFORE_S, AFTER_S, WRITERS, READERS = 3.0, 20.0, 2, 2
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *told) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(which, told);
    FILE *file;
    if (which == CLOCK_REALTIME && (file = fopen(getenv("JUMP"), "r"))) {
        long more = 0;
        if (fscanf(file, "%ld", &more) == 1) told->tv_sec += more;
        fclose(file);
    }
    return status;
}
"""


class Service:
    """`nearkin serve --workers 2`, and what its processes are."""

    def __init__(self, place: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.place, self.log, self.jump = place, folder / "log", folder / "jump"
        command = [sys.executable, "-m", "nearkin", "serve", str(place), "--workers", "2", "--port", str(self.port), "--patience-s", "5"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, **_shifted_clock(folder, self.jump)})

    def process_of(self, name: str) -> int:
        """The process that is `writer`, `worker 1` or `worker 2` now, as the log says."""
        said = [line for line in self.log.read_text().splitlines() if line.startswith(f"the {name} is process")]
        return int(said[-1].split()[-1])

    def children(self) -> list[int]:
        """All processes; the last one, when all is well, is the spare."""
        return [int(each) for each in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def ask(self, method: str, path: str, body: Any = None, timeout_s: float = 60) -> tuple[int, dict[str, Any]]:
        """Status and body; status 0 where nobody answered."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            line.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            line.close()

    def wait(self, true: Callable[[], bool], limit_s: float = 300) -> None:
        stop = time.monotonic() + limit_s
        while not true():
            assert time.monotonic() < stop, self.log.read_text()[-2000:]
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.2)

    def wait_until_well(self) -> None:
        """All processes are there, the spare has rehearsed, and both workers answer."""
        self.wait(lambda: len(self.children()) == 4 and _idle(self.children()[-1]))
        self.wait(lambda: all(self._ready() for _ in range(6)))

    def _ready(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request("GET", "/health/ready")
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()


def _idle(process: int) -> bool:
    """Whether a process used no processor for a second."""

    def used() -> int:
        return sum(map(int, Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))

    try:
        before = used()
        time.sleep(1)
        return before > 100 and used() == before
    except FileNotFoundError:
        return False


def _shifted_clock(folder: Path, jump: Path) -> dict[str, str]:
    """Variables under which the time of day is read with an offset from a file; none without a compiler."""
    if not shutil.which("gcc"):
        return {}
    (folder / "clock.c").write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c", "-ldl"], check=True)
    return {"LD_PRELOAD": str(folder / "clock.so"), "JUMP": str(jump)}


class Load:
    """Clients in threads, and what they saw: (sent, ended, kind, status)."""

    def __init__(self, service: Service, asked: dict[str, list[str]]) -> None:
        self.service, self.asked, self.stopped = service, asked, threading.Event()
        self.seen: list[tuple[float, float, str, int]] = []
        self.there: set[str] = set()
        self.gone: set[str] = set()
        self.unsure: set[str] = set()
        self.wrong: list[Any] = []

    def __enter__(self) -> Load:
        work = [(self.write, n) for n in range(WRITERS)] + [(self.read, n) for n in range(READERS)]
        self.threads = [threading.Thread(target=call, args=(number,)) for call, number in work]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def send(self, kind: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        sent = time.monotonic()
        status, told = self.service.ask(method, path, body)
        self.seen.append((sent, time.monotonic(), kind, status))
        if status not in (0, 200, 201, 404, 408, 503, 507):
            self.wrong.append((kind, status, told.get("detail")))
        if status in (0, 503, 507):
            time.sleep(0.05)
        return status, told

    def write(self, thread: int) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            name = f"new-{id(self)}-{thread}-{number}"
            status, told = self.send("write", "PUT", f"/v1/items/{name}", {"title": f"novelty {name}"})
            if status not in (200, 201):
                self.unsure.add(name)
                continue
            self.there.add(name)
            self.check(name, told["version"], 200)
            if number % 3 == 0:
                self.there.discard(name)
                status, told = self.send("write", "DELETE", f"/v1/items/{name}")
                (self.gone if status == 200 else self.unsure).add(name)
                if status == 200:
                    self.check(name, told["version"], 404)

    def check(self, name: str, version: int, wanted: int) -> None:
        status, told = self.send("look", "GET", f"/v1/items/{name}")
        if status not in (0, 503) and (status != wanted or told.get("version", version) < version):
            self.wrong.append((name, wanted, status))

    def read(self, thread: int) -> None:
        turn = thread
        names = list(self.asked)
        while not self.stopped.is_set():
            turn += 1
            query = names[turn % len(names)]
            status, told = self.send("search", "POST", "/v1/search", {"queries": [query], "k": 1, "where": "kind = 'old'"})
            if status == 200 and [hit["id"] for hit in told["hits"][0]] != self.asked[query]:
                self.wrong.append((query, told["hits"]))

    def back_s(self, kind: str, since: float) -> float | None:
        """From a moment to the end of the first good answer of this kind after the last bad one of those sent since; 0 without bad ones."""
        sent = sorted(each for each in self.seen if each[2] == kind and each[0] >= since)
        bad = [each[0] for each in sent if each[3] not in (200, 201)]
        good = [each[1] for each in sent if each[3] in (200, 201) and each[0] > max(bad, default=since)]
        return None if not good else round(min(good) - since, 2) if bad else 0.0


# the faults


def kill_worker(service: Service) -> None:
    os.kill(service.process_of("worker 1"), signal.SIGKILL)


def kill_writer(service: Service) -> None:
    os.kill(service.process_of("writer"), signal.SIGKILL)


def kill_writer_and_spare(service: Service) -> None:
    for process in (service.children()[-1], service.process_of("writer")):
        os.kill(process, signal.SIGKILL)


def no_room(service: Service) -> None:
    writer = service.process_of("writer")
    before = resource.prlimit(writer, resource.RLIMIT_FSIZE)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (1, before[1]))
    time.sleep(3)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, before)


def clock_jump(service: Service) -> None:
    for more in (86_400, -86_400, 0):
        service.jump.write_text(str(more))
        time.sleep(2)


def slow_clients(service: Service) -> None:
    lines = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(60)]
    for line in lines:
        line.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(8):
        for line in lines:
            _quietly(lambda line=line: line.sendall(b" "))
        time.sleep(1)
    for line in lines:
        line.close()


def huge_bodies(service: Service) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for head in (b"Content-Length: 104857600", b"Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n")
            _quietly(lambda line=line: [line.sendall(chunk) for _ in range(1600)])


def many_connections(service: Service) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12_000), hard))
    lines = []
    for _ in range(10_000):
        _quietly(lambda: lines.append(socket.create_connection(("127.0.0.1", service.port), timeout=5)))
    time.sleep(3)
    for line in lines:
        line.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def corrupt_stage(service: Service) -> None:
    file = max((service.place / "stages").rglob("*.safetensors"), key=lambda each: each.stat().st_size)
    kept = file.read_bytes()
    broken = file.with_suffix(".broken")  # in place of the file, so that processes that mapped it keep what they have
    broken.write_bytes(kept[: len(kept) // 2])
    broken.replace(file)
    kill_worker(service)
    time.sleep(5)
    broken.write_bytes(kept)
    broken.replace(file)


FAULTS: dict[str, Callable[[Service], None]] = {
    "nothing": lambda service: None,
    "kill -9 of a worker": kill_worker,
    "kill -9 of the writer": kill_writer,
    "kill -9 of the spare and the writer": kill_writer_and_spare,
    "no file of the writer can grow, for 3 s": no_room,
    "the clock jumps": clock_jump,
    "60 slow clients": slow_clients,
    "100 MB bodies": huge_bodies,
    "10,000 open connections": many_connections,
    "a stage file cut in half, and a worker killed": corrupt_stage,
}  # fmt: skip


def _quietly(call: Callable[[], Any]) -> None:
    """What the other end does not want."""
    try:
        call()
    except OSError:
        return


def one(service: Service, name: str, asked: dict[str, list[str]]) -> dict[str, Any]:
    service.wait_until_well()
    with Load(service, asked) as load:
        time.sleep(BEFORE_S)
        began = time.monotonic()
        FAULTS[name](service)
        over = time.monotonic()
        service.wait(lambda: (time.monotonic() > over + 2 and load.back_s("write", over) is not None) or time.monotonic() > over + 120)
        time.sleep(max(0.0, AFTER_S - (time.monotonic() - over)))
    searches = [ended - sent for sent, ended, kind, status in load.seen if kind == "search" and sent >= began and status == 200]
    lost, risen = compared(service.place, load)
    return {
        "requests": len(load.seen),
        "answered_writes": len(load.there) + 2 * len(load.gone),
        "lost": lost,
        "risen": risen,
        "wrong": len(load.wrong),
        "first_wrong": [str(each)[:300] for each in load.wrong[:3]],
        "fault_s": round(over - began, 1),
        "writes_back_s": load.back_s("write", over),
        "reads_back_s": load.back_s("search", over),
        "refused_or_cut": {
            kind: sum(each[3] in (0, 503, 507) and each[2] == kind for each in load.seen) for kind in ("search", "look", "write")
        },
        "median_read_ms": round(1e3 * float(np.median(searches)), 1),
        "worst_read_s": round(max(searches), 2),
    }


def compared(place: Path, load: Load) -> tuple[int, int]:
    """How many answered puts are not there, and how many answered deletes are, when the folder is opened by itself."""
    here = set(Collection.open(place).catalog.id_list)
    return len(load.there - here - load.unsure), len((load.gone & here) - load.unsure)


@contextmanager
def serving(things: int) -> Iterator[tuple[Service, dict[str, list[str]]]]:
    with tempfile.TemporaryDirectory() as folder:
        place, random = Path(folder) / "shop", np.random.default_rng(0)
        known = words(3_000, random)
        titles = [" ".join(random.choice(known, 6)) for _ in range(things)]
        Collection.build(place, Catalog.of([f"t{row}" for row in range(things)], title=titles, kind=["old"] * things)).close()
        service = Service(place, Path(folder))
        try:
            service.wait_until_well()
            asked = {}
            for title in titles[:: max(1, things // 20)]:
                body = {"queries": [title], "k": 1, "where": "kind = 'old'"}
                asked[title] = [hit["id"] for hit in service.ask("POST", "/v1/search", body)[1]["hits"][0]]
            yield service, asked
        finally:
            service.process.terminate()
            service.process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("faults", nargs="*", default=list(FAULTS))
    parser.add_argument("--things", type=int, default=2_000)
    asked = parser.parse_args()
    kept = json.loads(OUT.read_text()) if OUT.exists() else {"faults": {}}
    kept |= {"question": (__doc__ or "").splitlines()[0], "machine": machine(), "things": asked.things, "workers": 2}
    with serving(asked.things) as (service, searches):
        for name in asked.faults:
            if name == "the clock jumps" and not shutil.which("gcc"):
                continue
            kept["faults"][name] = one(service, name, searches) | {"load_average": round(os.getloadavg()[0], 1)}
            print(name, json.dumps(kept["faults"][name]), file=sys.stderr, flush=True)
            OUT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
