"""A few numbers in memory that all processes of one service share."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

NAME = "board"
DEAD_S = 2.0  # a process that was silent for so long is not waited for
_CELL = 8  # bytes; a number is read and written in one piece


class Board:
    """The floor, which is the version that every answer must show at least, when each process was last seen alive, and what it holds.

    The writer raises the floor before it answers a write; a reader looks at it before it answers a read. So nobody who asks after a
    write was answered sees an older state, whatever became of the messages between the processes.
    """

    def __init__(self, folder: Path) -> None:
        with (folder / NAME).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._cells = memoryview(self._memory).cast("Q")
        self.processes = (len(self._cells) - 1) // 2

    @staticmethod
    def create(folder: Path, processes: int) -> Board:
        """A new one, all zero. Written in full, so that a disk that fills up later cannot take it away."""
        handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, bytes(_CELL * (1 + 2 * processes)))
        finally:
            os.close(handle)
        return Board(folder)

    def close(self) -> None:
        self._cells.release()
        self._memory.close()

    @property
    def floor(self) -> int:
        return self._cells[0]

    def raise_floor(self, version: int) -> None:
        """Only the writer does this, so nothing can come between."""
        self._cells[0] = max(self._cells[0], version)

    def beat(self, process: int) -> None:
        """Tell that this process is alive."""
        self._cells[1 + process] = time.monotonic_ns()

    def forget(self, process: int) -> None:
        """The process is gone; the next in its place has not been seen yet."""
        self._cells[1 + process] = 0

    def tell_held(self, process: int, connections: int) -> None:
        """How many connections this process holds."""
        self._cells[1 + self.processes + process] = connections

    def held_by_others(self, process: int) -> list[int]:
        """The connections of each other worker that is alive; the first process is the writer, who takes none."""
        others = [other for other in range(1, self.processes) if other != process]
        return [self._cells[1 + self.processes + other] for other in others if (self.silent_s(other) or DEAD_S) < DEAD_S]

    def silent_s(self, process: int) -> float | None:
        """How long nothing was heard of this process; None before it was first heard of."""
        last = self._cells[1 + process]
        return (time.monotonic_ns() - last) / 1e9 if last else None
