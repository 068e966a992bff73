"""The file of a backup: written in one step, read as a stream."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.stage.disk import flush

FORMAT = 1  # raised when an older nearkin could not read what a newer one writes
HEAD, SUMS = "backup.json", "sums.json"  # the first and the last file of the tar


@dataclass(frozen=True)
class Backup:
    """What a backup holds: the version of the catalogue, how many things, and when it was taken (seconds since 1970)."""

    version: int
    things: int
    made: float


class Hashed:
    """A file that is read once, its checksum taken on the way."""

    def __init__(self, source: Any) -> None:
        self.source, self.sum = source, hashlib.blake2b(digest_size=32)

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.source.read(size)
        self.sum.update(data)
        return data


@contextmanager
def drafted(place: Path) -> Iterator[Path]:
    """A folder beside the place, on the same disk, that is gone afterwards unless it was renamed."""
    draft = place.resolve().parent / f".{place.resolve().name}.{uuid4().hex[:8]}"
    try:
        draft.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise BadInput(f"{draft.parent} cannot be written: {error.strerror}; choose a place where you may write") from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def written(file: Path) -> Iterator[tarfile.TarFile]:
    """A tar to add to; it gets its name when all of it is on disk. For its owner alone, as it holds what may not be public."""
    draft = file.parent / f".{file.name}.{uuid4().hex[:8]}"
    try:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}; choose a folder where you may write") from error
    try:
        with os.fdopen(handle, "wb") as raw:
            squeezed = pa.CompressedOutputStream(pa.PythonFile(raw, "w"), "gzip" if file.suffix in (".gz", ".tgz") else "zstd")
            with tarfile.open(fileobj=squeezed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                yield tar
            squeezed.close()
        flush(draft)
        _named(draft, file)
        flush(file.parent)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def opened(file: Path) -> Iterator[tarfile.TarFile]:
    """The tar of a file, told by its first bytes to be of gzip or zstd; read from the front to the end."""
    with file.open("rb") as raw:
        kind = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(raw.read(2))
    if kind is None:
        raise BadInput(f"{file} is no backup: expected a tar compressed by zstd or gzip, as nearkin backup writes it")
    with pa.OSFile(str(file)) as raw, pa.CompressedInputStream(raw, kind) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        yield tar


def _named(draft: Path, file: Path) -> None:
    """Give the draft its name, unless that was taken meanwhile."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise BadInput(f"{file} was made by another process meanwhile; choose another name") from None
    except OSError:  # a disk without links
        os.rename(draft, file)
