"""How many hybrid searches a second does the service answer, how soon, and how does that stand beside other stores behind a thin service?

    make rivals; NEARKIN_DATA=... python benches/service_load.py [SYSTEM ...] [--things 24000]     -> benches/results/service-load.json

Systems: nearkin (`nearkin serve --workers 2`), and LanceDB, milvus-lite and qdrant-client's local mode behind the FastAPI of
benches/rivals/thin.py, with two workers where the store lets two processes in (LanceDB). All have the same things, the same vectors of
the same encoder, BM25 over the same texts, the same queries, and give ten hits.
Up to 24,796 things are packages of Debian; more, as `--things 1000000`, are made-up texts of twenty words each, drawn from the packages'
words by how often they are used.
Queries are four words of a thing's text; recall: how many have that thing among their ten hits.
Load: 1, 8 and 64 clients that each ask again when answered; then 8 clients while 100 things a second are upserted, in requests of 20.
The load is made on the same two cores. Beside milliseconds stands `cpu_ms`, processor time of the serving processes a search.
A service that takes over `--limit` seconds to be built or to start is left out, and it is said so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin import Collection
from nearkin.data import load
from nearkin.evaluation.machine import machine
from nearkin.stage.cache import cache_folder
from nearkin.tables import Catalog

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "service-load.json"
OURS, RIVALS = "nearkin", ("lancedb", "milvus", "qdrant")
CLIENTS, WRITE_BATCH, WRITES_A_SECOND, QUERIES = (1, 8, 64), 20, 100, 300
WORD = re.compile(r"[a-z]{4,}")
Send = Callable[[str, bytes], Awaitable[dict[str, Any]]]


# what is searched, and asked


def things_of(size: int) -> pa.Table:
    """`id` and `text`: packages, or as many made-up things."""
    items = load("catalog-debian").items
    texts = items.texts()
    if size <= len(items):
        return pa.table({"id": items.ids[:size], "text": texts[:size]})
    words = np.array([word for text in texts for word in text.split()])
    random = np.random.default_rng(0)
    drawn = (" ".join(words[random.integers(0, len(words), 20)]) for _ in range(size))
    return pa.table({"id": [f"t{row}" for row in range(size)], "text": pa.array(drawn, pa.string())})


def queries_of(things: pa.Table) -> list[tuple[str, str]]:
    """Four words of a thing, and its id."""
    random, found = np.random.default_rng(1), []
    while len(found) < QUERIES:
        row = int(random.integers(len(things)))
        words = sorted(set(WORD.findall(things["text"][row].as_py().lower())))
        if len(words) >= 4:
            found.append((" ".join(random.choice(words, 4, replace=False)), things["id"][row].as_py()))
    return found


# services


def python_of(system: str) -> Path:
    return Path(sys.executable) if system == OURS else cache_folder() / "rivals" / "stores" / "bin" / "python"


def build(system: str, folder: Path, things: Path, limit_s: float) -> None:
    if system != OURS:
        command = [python_of(system), HERE / "rivals" / f"serve_{system}.py", folder, "build", things]
        subprocess.run(command, check=True, timeout=limit_s)
        return
    table = pq.read_table(things)
    Collection.build(folder, Catalog(table, {"id": "id", "text": "text"}))


def serving(system: str, folder: Path, port: int) -> list[Any]:
    if system == OURS:
        return [python_of(system), "-m", "nearkin", "serve", folder, "--port", port, "--workers", 2]
    return [python_of(system), HERE / "rivals" / f"serve_{system}.py", folder, "serve", port, 2]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Service:
    """A service in processes of its own, for the length of a `with`."""

    def __init__(self, system: str, folder: Path, limit_s: float) -> None:
        self.system, self.port, self.limit_s = system, free_port(), limit_s
        self.command = [str(each) for each in serving(system, folder, self.port)]

    def __enter__(self) -> Service:
        self.process = subprocess.Popen(self.command, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"})
        until = time.monotonic() + self.limit_s
        while not self.is_ready():
            if time.monotonic() > until or self.process.poll() is not None:
                self.__exit__()
                raise TimeoutError(f"{self.system} did not start within {self.limit_s:g} s")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        family = [*self.family(), self.process]
        self.process.terminate()
        _, left = psutil.wait_procs(family, timeout=10)
        for each in left:
            each.kill()

    def is_ready(self) -> bool:
        try:
            said = asyncio.run(exchange(self.port, "GET", "/health/ready" if self.system == OURS else "/ready"))
        except OSError:
            return False
        return said[0] == 200

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []

    def cpu_s(self) -> float:
        spent = [each.cpu_times() for each in [psutil.Process(self.process.pid), *self.family()]]
        return sum(each.user + each.system for each in spent)

    def search(self, query: str) -> tuple[str, bytes]:
        told = {"queries": [query], "k": 10, "fields": ["id"]} if self.system == OURS else {"q": query, "k": 10}
        return ("/v1/search" if self.system == OURS else "/search"), json.dumps(told).encode()

    def upsert(self, items: list[dict[str, str]]) -> tuple[str, bytes]:
        if self.system == OURS:
            return "/v1/items:bulk", b"\n".join(json.dumps({"put": item}).encode() for item in items)
        return "/upsert", json.dumps({"items": items}).encode()

    def ids(self, answer: bytes) -> list[str]:
        hits = json.loads(answer)["hits"]
        return [hit["id"] for hit in (hits[0] if self.system == OURS else hits)]


# the load


class Line:
    """One kept-alive connection; as little as HTTP/1.1 needs, so that the load costs little beside what it loads."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, path: str, body: bytes, method: str = "POST", kind: str = "application/json") -> tuple[int, bytes]:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        told = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", told)
        answer = await self.reader.readexactly(int(length[1])) if length else await self._chunks()
        return int(told.split(" ", 2)[1]), answer

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self.reader.readline(), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return b"".join(parts)

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def exchange(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    line = Line(port)
    await line.open()
    try:
        return await line.send(path, body, method)
    finally:
        await line.close()


async def ask(service: Service, queries: list[tuple[str, str]], until: float, turn: count[int], took: list[tuple[float, int]]) -> None:
    line = Line(service.port)
    await line.open()
    while time.perf_counter() < until:
        path, body = service.search(queries[next(turn) % len(queries)][0])
        start = time.perf_counter()
        status, _ = await line.send(path, body)
        took.append((time.perf_counter() - start, status))
    await line.close()


async def write(service: Service, things: pa.Table, until: float, took: list[tuple[float, int]]) -> None:
    """Upserts at their rate however long each takes; a new text for a thing that is there."""
    waiting, random, start = set(), np.random.default_rng(2), time.perf_counter()

    async def one(items: list[dict[str, str]]) -> None:
        line, begun = Line(service.port), time.perf_counter()
        await line.open()
        path, body = service.upsert(items)
        status, _ = await line.send(path, body, kind="application/x-ndjson" if service.system == OURS else "application/json")
        took.append((time.perf_counter() - begun, status))
        await line.close()

    for turn in count():
        await asyncio.sleep(max(0.0, start + turn * WRITE_BATCH / WRITES_A_SECOND - time.perf_counter()))
        if time.perf_counter() >= until:
            break
        rows = random.choice(len(things), WRITE_BATCH, replace=False)
        items = [{"id": things["id"][int(row)].as_py(), "text": f"{things['text'][int(row)].as_py()} again {turn}"} for row in rows]
        waiting.add(asyncio.create_task(one(items)))
    await asyncio.wait(waiting, timeout=30)


async def loaded(service: Service, queries: list[tuple[str, str]], things: pa.Table, clients: int, seconds: float, writes: bool) -> dict:
    took: list[tuple[float, int]] = []
    written: list[tuple[float, int]] = []
    turn, start, spent = count(), time.perf_counter(), service.cpu_s()
    work = [ask(service, queries, start + seconds, turn, took) for _ in range(clients)]
    await asyncio.gather(*work, *([write(service, things, start + seconds, written)] if writes else []))
    told = summary(took, seconds) | {"cpu_ms": round(1000 * (service.cpu_s() - spent) / max(len(took), 1), 2)}
    return told | ({"writes": summary(written, seconds)} if writes else {})


def summary(took: list[tuple[float, int]], seconds: float) -> dict[str, float]:
    good = np.array([each for each, status in took if status == 200]) * 1000
    told = {"a second": round(len(good) / seconds, 1), "failed": len(took) - len(good)}
    return told | {f"p{at} ms": round(float(np.percentile(good, at)), 1) for at in (50, 95, 99) if len(good)}


async def recall(service: Service, queries: list[tuple[str, str]]) -> float:
    line, hits = Line(service.port), 0
    await line.open()
    for query, wanted in queries:
        hits += wanted in service.ids((await line.send(*service.search(query)))[1])
    await line.close()
    return round(hits / len(queries), 4)


def built(system: str, folder: Path, things: Path, limit_s: float) -> dict[str, float]:
    """What it took to build the store, now or before."""
    told = folder.with_suffix(".built.json")
    if not told.exists():
        shutil.rmtree(folder, ignore_errors=True)
        start, spent, own = time.perf_counter(), children_s(), time.process_time()
        build(system, folder, things, limit_s)
        cpu_s = children_s() - spent + time.process_time() - own
        told.write_text(json.dumps({"wall_s": round(time.perf_counter() - start, 1), "cpu_s": round(cpu_s, 1)}))
    return json.loads(told.read_text())  # type: ignore[no-any-return]


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """What is measured is a copy, since writes change it."""
    copy = folder.with_suffix(".served")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def one(system: str, folder: Path, things: Path, queries: list[tuple[str, str]], asked: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {"build": built(system, folder, things, asked.limit)}
    table = pq.read_table(things)
    with copied(folder) as served, Service(system, served, asked.limit) as service:
        found["recall@10"] = asyncio.run(recall(service, queries))
        for clients in CLIENTS:
            found[f"{clients} clients"] = asyncio.run(loaded(service, queries, table, clients, asked.seconds, False))
        found["8 clients, 100 upserts a second"] = asyncio.run(loaded(service, queries, table, 8, asked.seconds, True))
    return found


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def verdict(systems: dict[str, Any]) -> dict[str, Any]:
    """Of each load: our searches a second against the best rival's among those that find as much, and our 95th percentile."""
    ours = systems[OURS]
    rivals = {name: found for name, found in systems.items() if name != OURS and "recall@10" in found}
    told = {}
    for load_of in (name for name in ours if "clients" in name):
        best = max((found[load_of]["a second"] for found in rivals.values()), default=0.0)
        told[load_of] = {"times the best": round(ours[load_of]["a second"] / best, 2) if best else None, "p95 ms": ours[load_of]["p95 ms"]}
    return told | {"recall@10": {name: found["recall@10"] for name, found in systems.items() if "recall@10" in found}}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("systems", nargs="*", default=[OURS, *RIVALS])
    parser.add_argument("--things", type=int, default=24_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--keep", type=Path, help="a folder in which the stores are kept; those that are there are not built again")
    parser.add_argument("--only-build", action="store_true", help="build the stores, measure nothing")
    parser.add_argument("--limit", type=float, default=1800, help="seconds to build, and to start")
    asked = parser.parse_args()
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {"sizes": {}}
    kept |= {"question": (__doc__ or "").splitlines()[0], "machine": machine(), "seconds of each load": asked.seconds}
    systems = kept["sizes"].setdefault(str(asked.things), {"systems": {}})["systems"]
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    with nullcontext(asked.keep) if asked.keep else tempfile.TemporaryDirectory() as place:
        table = things_of(asked.things)
        pq.write_table(table, things := Path(place) / "things.parquet")
        queries = queries_of(table)
        for system in asked.systems:
            folder = Path(place) / system
            if asked.only_build:
                print(system, built(system, folder, things, asked.limit), file=sys.stderr)
                continue
            try:
                systems[system] = one(system, folder, things, queries, asked)
            except (TimeoutError, subprocess.SubprocessError) as error:
                systems[system] = {"left out": type(error).__name__ + f" within {asked.limit:g} s"}
            if not asked.keep:
                shutil.rmtree(folder, ignore_errors=True)
            print(system, json.dumps(systems[system]), file=sys.stderr)
            if OURS in systems:
                kept["sizes"][str(asked.things)]["verdict"] = verdict(systems)
            RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
