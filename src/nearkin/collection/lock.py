"""One writer at a time, held by a lock that the system frees when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nearkin.errors import Busy, StorageError


@contextmanager
def writing(place: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the right to write to a collection; waits up to `wait_s` seconds for another writer, then raises `Busy`."""
    with _held(place, ".writer", "writing to", wait_s):
        yield


@contextmanager
def fitting(place: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the right to fit the stages of a collection anew, which takes long and lets others write; waits as `writing` does."""
    with _held(place, ".fitter", "fitting the stages of", wait_s):
        yield


@contextmanager
def _held(place: Path, name: str, doing: str, wait_s: float) -> Iterator[None]:
    try:
        handle = os.open(place / name, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"{place} cannot be written: {error.strerror}; check its permissions, or copy it to where you may write"
        ) from error
    try:
        _acquire(handle, place, doing, wait_s)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, place: Path, doing: str, wait_s: float) -> None:
    stop = time.monotonic() + wait_s
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= stop:
                holder = os.pread(handle, 20, 0).decode() or "unknown"
                raise Busy(f"another process (number {holder}) is {doing} {place}; wait until it ends, or stop it") from None
            time.sleep(0.02)
