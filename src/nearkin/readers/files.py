"""Files as streams of bytes, plain or packed (.gz, .xz); what is missing, empty, cut short or not UTF-8 is refused with its place."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nearkin.errors import BadInput

MOST_LINE = 256 << 20  # bytes a line; a longer one is taken for a file without line ends
PACKED = (".gz", ".xz")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The unpacked bytes of a file. Refused: absent, a folder, empty, or cut short within its packing."""
    check_file(path)
    try:
        with _unpacked(path) as stream:
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise BadInput(f"{path}: the packed file is damaged or cut short ({error}); copy or download it again") from error


def check_file(path: Path) -> None:
    """Refuse what is not a file with something in it."""
    if not path.exists():
        raise BadInput(f"{path}: no such file; check the spelling and the folder you are in")
    if path.is_dir():
        raise BadInput(f"{path}: a file was expected, this is a folder; name the file inside it")
    if path.stat().st_size == 0:
        raise BadInput(f"{path}: the file is empty; at least one row is needed")


def bare_suffix(path: Path) -> str:
    """The ending that tells the format, in lower case and without a packing: `.jsonl` of `Corpus.JSONL.gz`."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers (from 1) and lines without their ends. Refused: bytes that are not UTF-8, a line of more than 256 MB."""
    with opened(path) as stream:
        number = 0
        while raw := stream.readline(MOST_LINE + 1):
            number += 1
            if len(raw) > MOST_LINE:
                raise BadInput(f"{path}, line {number}: longer than {MOST_LINE >> 20} MB; one thing a line is expected")
            yield number, decoded(raw, path, number).rstrip("\r\n")


def decoded(raw: bytes, path: Path, number: int) -> str:
    """A line as text; a byte order mark at the start of the file is dropped."""
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}, line {number}: byte {error.start + 1} ({raw[error.start]:#04x}) is not UTF-8; convert the file, "
            f"for example with: iconv -f latin1 -t utf-8"
        ) from error


def _unpacked(path: Path) -> IO[bytes]:
    packing = path.suffix.lower()
    if packing == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return lzma.open(path, "rb") if packing == ".xz" else path.open("rb")  # type: ignore[return-value]
