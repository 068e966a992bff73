"""kill -9 of a service that is writing: nothing it answered for is lost, and it starts again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx2

from nearkin.collection import Collection
from tests.service.conftest import shop_of


@contextmanager
def serving(place):
    """A service as a process of its own, and a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nearkin", "serve", str(place), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
                _wait(http, process)
                yield process, http
        finally:
            process.kill()


def _wait(http, process):
    for _ in range(1200):
        assert process.poll() is None, "the service ended by itself"
        try:
            if http.get("/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError("the service did not start")


def test_a_killed_service_loses_nothing_it_answered_for(tmp_path):
    place = tmp_path / "shop"
    shop_of(place)
    answered, asked, removed = [], [], []

    def write(http, start):
        try:
            for number in range(start, start + 1000):
                if http.put(f"/v1/items/c{number}", json={"title": f"crow number {number}"}).status_code == 201:
                    answered.append(f"c{number}")
                if number % 5 == 0:
                    asked.append(f"c{number}")
                    if http.delete(f"/v1/items/c{number}").status_code == 200:
                        removed.append(f"c{number}")
        except httpx2.TransportError:
            return

    with serving(place) as (process, http):
        writers = [threading.Thread(target=write, args=(http, 1000 * n)) for n in range(4)]
        for writer in writers:
            writer.start()
        while len(answered) < 24:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
    here = set(Collection.open(place).catalog.id_list)
    assert set(answered) - set(asked) <= here
    assert not set(removed) & here
    with serving(place) as (_, http):
        assert http.get("/v1/search?q=crow&k=1000").json()["total"]["filter"] == len(here)
        assert http.put("/v1/items/after", json={"title": "a crow afterwards"}).status_code == 201
