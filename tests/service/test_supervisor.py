"""A service of several processes of which some are killed: nothing answered is lost, nobody sees what is old, and it comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from nearkin.collection import Collection
from tests.service.conftest import shop_of
from tests.service.test_workers import until

BACK_S = 60.0  # it takes about one second where there is a spare, and as long as the imports where there is none


class Running:
    """`nearkin serve --workers 2` as users start it; its log as it grows."""

    def __init__(self, place, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = folder / "service.toml"
        config.write_text(f"port = 1\nworkers = 2\nlog_queries = true\nwaiting = {2 * 64}\n")
        self.log = folder / "log"
        command = [sys.executable, "-m", "nearkin", "serve", str(place), "--config", str(config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, "NEARKIN_PORT": str(self.port)})
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)

    def processes(self):
        """Writer, workers, and the spare when there is one, in the order in which they were started."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path) as file:
            return [int(each) for each in file.read().split()]

    def is_ready(self):
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            assert self.process.poll() is None, self.log.read_text()
            return False

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("supervised")
    shop_of(folder / "shop")
    running = Running(folder / "shop", folder)
    running.place = folder / "shop"
    try:
        until(running.is_ready, 300)
        yield running
    finally:
        running.http.close()
        running.process.terminate()
        running.process.wait(60)


class Writers:
    """Threads that put things over connections of their own, and check that each is found at once over another."""

    def __init__(self, service, threads=2):
        self.address, self.answered, self.wrong, self.stopped = f"http://127.0.0.1:{service.port}", [], [], threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def write(self, thread):
        number = 0
        while not self.stopped.is_set():
            number += 1
            name = f"kite-{os.getpid()}-{id(self)}-{thread}-{number}"
            version = self.send("PUT", f"/v1/items/{name}", json={"title": f"kite {number}"})
            if version is None:
                time.sleep(0.05)
                continue
            self.answered.append(name)
            for _ in range(3):
                seen = self.send("GET", f"/v1/items/{name}")
                if seen is not None and seen < version:
                    self.wrong.append((name, version, seen))

    def send(self, method, path, **body):
        """The version that answered; None where nobody did (503, or the process died with the request)."""
        try:
            answer = httpx2.request(method, self.address + path, timeout=60, trust_env=False, **body)
        except httpx2.TransportError:
            return None
        if answer.status_code == 503:
            assert "retry-after" in answer.headers
            return None
        if answer.status_code not in (200, 201):
            self.wrong.append((path, answer.status_code, answer.text))
            return None
        return answer.json()["version"]


@pytest.mark.parametrize("who", [0, 1], ids=["writer", "worker"])
def test_what_dies_comes_back_and_nothing_answered_is_lost(service, who):
    until(lambda: len(service.processes()) == 4, 120)  # with a spare
    victim = service.processes()[who]
    with Writers(service) as writers:
        until(lambda: len(writers.answered) >= 8, 60)
        os.kill(victim, signal.SIGKILL)
        before, killed = len(writers.answered), time.monotonic()
        assert httpx2.get(f"{writers.address}/v1/search?q=shoe", timeout=60, trust_env=False).status_code == 200
        until(lambda: len(writers.answered) >= before + 8 and service.is_ready(), BACK_S)
        print(f"\n{len(writers.answered)} writes; back {time.monotonic() - killed:.1f} s after kill -9")
    assert not writers.wrong
    assert victim not in service.processes()
    here = set(Collection.open(service.place).catalog.id_list)
    assert set(writers.answered) <= here


def test_metrics_count_what_all_processes_did(service):
    def answered():
        text = service.http.get("/metrics").text
        found = re.findall(r'^nearkin_http_requests_total\{.*route="/v1/limits".*status="200"\} (.*)$', text, re.M)
        return sum(map(float, found)), text

    before, _ = answered()
    for _ in range(20):  # each over a connection of its own, so that both workers answer some
        assert httpx2.get(f"http://127.0.0.1:{service.port}/v1/limits", trust_env=False, timeout=60).status_code == 200
    after, text = answered()
    assert after == before + 20
    written = float(re.search(r"^nearkin_write_duration_seconds_count (.*)$", text, re.M)[1])
    assert written >= 1
    for name in ("nearkin_unindexed_rows", 'nearkin_index_bytes{stage="words"}', "nearkin_items", "nearkin_queue_waiting 0.0"):
        assert f"\n{name}" in text


def test_the_log_is_a_line_of_json_a_request(service):
    service.http.get("/v1/search?q=zebra", headers={"X-Request-Id": "striped"})
    until(lambda: any(line["request_id"] == "striped" for line in service.lines()))
    line = next(line for line in service.lines() if line["request_id"] == "striped")
    assert (line["route"], line["status"], line["queries"], line["hits"]) == ("/v1/search", 200, ["zebra"], 10)
    assert {"time", "key", "ms", "k", "steps", "method"} <= set(line)


def test_told_to_end_it_answers_what_is_under_way(service):
    """The last of this file: it ends the service."""
    answers = []
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        body = json.dumps({"title": "last"}).encode()
        head = f"PUT /v1/items/last HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall(head.encode() + body[:5])
        time.sleep(0.5)
        service.process.terminate()
        time.sleep(1.0)
        line.sendall(body[5:])
        line.settimeout(30)
        answers.append(line.recv(4096))
    assert answers[0].startswith(b"HTTP/1.1 201"), answers
    assert service.process.wait(60) == 0
    assert "last" in Collection.open(service.place).catalog.id_list
