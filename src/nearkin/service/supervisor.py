"""Keeps the processes of a service alive: one that writes, and some that answer."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nearkin.errors import NearkinError
from nearkin.service.board import Board
from nearkin.service.part import IN_HASTE, SHARED, WRITER, Order
from nearkin.service.settings import Settings

log = logging.getLogger("nearkin.service")
LOOK_S = 0.05
HUNG_S = 15.0  # a process that was silent for so long is ended
STOP_S = 15.0  # for requests under way; then it is ended
WAITS_S = (0.0, 0.5, 1.0, 2.0, 4.0)  # before a start after so many failed ones
TRIES = 3  # of a process that never came to life, before the service gives up
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
COUNTS = "metrics"  # the folder of what is counted


@dataclass
class Child:
    """The process in one place, and those that were there before it."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    next_start: float = 0.0
    failed: int = 0  # starts since it was last alive
    alive: bool = False

    @property
    def name(self) -> str:
        return "writer" if self.number == WRITER else f"worker {self.number}"


class Supervisor:
    """One writer and `settings.workers` workers over one collection, answering on a socket that is open already."""

    def __init__(self, place: Path, settings: Settings, listening: socket.socket, cores: int) -> None:
        self.place, self.settings, self.listening = place, settings, listening
        self.threads = str(max(1, cores // settings.workers))
        self.children = [Child(number) for number in range(1 + settings.workers)]
        self.spare: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()
        self.once_well = False

    def run(self) -> None:
        """Until told to end (SIGTERM, SIGINT). Raises NearkinError when a process cannot be started at all."""
        with _folder() as self.folder:
            (self.folder / COUNTS).mkdir()
            self.board = Board.create(self.folder, len(self.children))
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: self.stopped.set())
            try:
                while not self.stopped.wait(LOOK_S):
                    self._look()
            finally:
                self._end()

    def _look(self) -> None:
        for child in self.children:
            if child.process is None:
                if time.monotonic() >= child.next_start:
                    self._start(child)
            elif child.process.poll() is not None:
                self._ended(child, child.process)
            else:
                self._listen(child, child.process)
        if all(child.alive for child in self.children):
            self.once_well = True
            if self.spare is None or self.spare.poll() is not None:  # not before: it would slow down those who are waited for
                self.spare = self._process()

    def _start(self, child: Child) -> None:
        order = Order(
            place=str(self.place), run=str(self.folder), number=child.number, listening=self.listening.fileno(),
            early=not self.once_well, settings=self.settings,
        )  # fmt: skip
        spare = self.spare if self.spare is not None and self.spare.poll() is None else None
        child.process, self.spare, child.alive = spare or self._process(in_haste=self.once_well), None, False
        log.info("the %s is process %d", child.name, child.process.pid)
        assert child.process.stdin is not None
        with suppress(OSError):  # it ended; it is looked after as any other that does
            child.process.stdin.write(order.written().encode() + b"\n")
            child.process.stdin.flush()

    def _process(self, *, in_haste: bool = False) -> subprocess.Popen[bytes]:
        """One that loads what all of them need, rehearses unless somebody waits for it, and then waits for its order."""
        shares = {f"{name}_NUM_THREADS": self.threads for name in THREADS}
        return subprocess.Popen(
            [sys.executable, "-m", "nearkin.service.process", str(self.folder), *([IN_HASTE] if in_haste else [])],
            stdin=subprocess.PIPE,
            pass_fds=[self.listening.fileno()],
            env={**shares, **os.environ, SHARED: str(self.folder / COUNTS)},
            start_new_session=True,  # Ctrl-C comes to the supervisor alone, which lets the writer outlive those who hand it writes
        )

    def _listen(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        silent_s = self.board.silent_s(child.number)
        if silent_s is None:
            return
        child.alive, child.failed = True, 0
        if silent_s > HUNG_S:
            log.warning("the %s was silent for %.0f s; ending it", child.name, silent_s)
            process.kill()

    def _ended(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        log.warning("the %s ended with status %d; starting it again", child.name, process.returncode)
        assert process.stdin is not None
        process.stdin.close()
        for file in (self.folder / COUNTS).glob(f"gauge_live*_{process.pid}.db"):
            file.unlink(missing_ok=True)  # what counts only while a process lives
        self.board.forget(child.number)
        child.process, child.failed = None, child.failed + (not child.alive)
        if child.failed >= TRIES and not self.once_well:
            raise NearkinError(f"the {child.name} could not be started; what it said stands above")
        child.next_start = time.monotonic() + WAITS_S[min(child.failed, len(WAITS_S) - 1)]

    def _end(self) -> None:
        """First those who answer, then, when nobody hands it writes any more, the one who writes."""
        self.listening.close()
        if self.spare is not None:
            self.spare.kill()
            self.spare.communicate()
        for children in (self.children[1:], self.children[:1]):
            running = [child.process for child in children if child.process is not None]
            for process in running:
                process.terminate()
            stop = time.monotonic() + STOP_S
            for process in running:
                try:
                    process.wait(max(0.1, stop - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                assert process.stdin is not None
                process.stdin.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is such a thing, for this user alone."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="nearkin-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
