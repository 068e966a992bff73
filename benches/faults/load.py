"""Clients that write, look and search without a pause, and hold each answer against those before it."""

from __future__ import annotations

import threading
import time
from typing import Any

from faults.service import Service

WRITERS, READERS = 2, 2


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
