"""One writer at a time, held by a lock that the system frees when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nearkin.errors import BadInput, Busy


@contextmanager
def writing(place: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the right to write to a collection; waits up to `wait_s` seconds for another writer, then raises `Busy`."""
    try:
        handle = os.open(place / ".writer", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadInput(f"{place} cannot be written: {error.strerror}; check its permissions, or copy it to where you may write") from error
    try:
        _acquire(handle, place, wait_s)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, place: Path, wait_s: float) -> None:
    stop = time.monotonic() + wait_s
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= stop:
                holder = os.pread(handle, 20, 0).decode() or "unknown"
                raise Busy(f"another process (number {holder}) is writing to {place}; wait until it ends, or stop it") from None
            time.sleep(0.02)
