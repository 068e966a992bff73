"""`nearkin serve` in processes of its own, each of which can be found."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.clock import shifted_clock


class Service:
    """`nearkin serve --workers 2`, and what its processes are."""

    def __init__(self, place: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.place, self.log, self.jump = place, folder / "log", folder / "jump"
        command = [sys.executable, "-m", "nearkin", "serve", str(place), "--workers", "2", "--port", str(self.port), "--patience-s", "5"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, **shifted_clock(folder, self.jump)})

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
