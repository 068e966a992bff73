"""A bulk write: lines of JSON, read from a body that may be long, and answered a line each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from nearkin.collection import Collection
from nearkin.service import limits as at_most
from nearkin.service.changes import DELETE, GROUP, Line, apply, checked
from nearkin.service.problems import Flaw, Problem

IN_MEMORY = 8 << 20


async def spooled(chunks: AsyncIterator[bytes]) -> tuple[IO[bytes], bytes]:
    """The whole body in a temporary file (in memory while it is small), and its digest."""
    file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    digest = blake2b(digest_size=16)
    try:
        async for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    except BaseException:  # too long, too slow, or the caller left
        file.close()
        raise
    file.seek(0)
    return file, digest.digest()


def lines_of(file: IO[bytes], shop: Collection) -> Iterator[Line]:
    """Each line that is not empty, checked; one that is too long or no JSON has its status already."""
    number = 0
    while text := file.readline(at_most.LINE_BYTES + 1):
        number += 1
        if len(text) > at_most.LINE_BYTES and not text.endswith(b"\n"):
            _skip(file)
            yield Line(number, status=413, flaws=[Flaw(f"a line has at most {at_most.LINE_BYTES:,} bytes", "too-large")])
        elif text.strip():
            yield _parsed(number, text, shop)


def _skip(file: IO[bytes]) -> None:
    """To the end of the line."""
    while (text := file.readline(at_most.LINE_BYTES)) and not text.endswith(b"\n"):
        pass


def _parsed(number: int, text: bytes, shop: Collection) -> Line:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Line(number, status=400, flaws=[Flaw(f"no JSON: {str(error)[:200]}", "json")])
    return checked(number, told, shop.catalog)


def write(shop: Collection, file: IO[bytes]) -> list[dict[str, Any]]:
    """Do what can be done, some thousand lines at a time; what came of each line."""
    told, part = [], []
    for line in lines_of(file, shop):
        part.append(line)
        if len(part) == GROUP:
            told += _done(shop, part)
            part = []
    return told + _done(shop, part)


def _done(shop: Collection, lines: list[Line]) -> list[dict[str, Any]]:
    apply(shop, lines)
    return [line.told() for line in lines]


def write_all(shop: Collection, file: IO[bytes]) -> list[dict[str, Any]]:
    """All or nothing, as one version. Refused: any faulty line, puts beside deletes, an id twice, an unknown one."""
    lines = list(lines_of(file, shop))
    flaws = [Flaw(**{**vars(flaw), "line": line.number}) for line in lines for flaw in line.flaws]
    if len({line.verb for line in lines}) > 1:
        flaws.append(Flaw("atomic writes hold one kind of line: all put, all patch or all delete", "mixed"))
    seen: set[str] = set()
    for line in lines:
        if line.id in seen:
            flaws.append(Flaw(f"the id {line.id[:100]!r} stands in an earlier line", "twice", line=line.number))
        elif line.verb != "put" and not line.flaws and int(shop.catalog.rows_of([line.id], missing="mark")[0]) < 0:
            flaws.append(Flaw(f"there is no thing with the id {line.id[:100]!r}", "unknown-id", line=line.number))
        seen.add(line.id)
    if len(lines) > GROUP and lines[0].verb != DELETE:
        flaws.append(Flaw(f"an atomic write has at most {GROUP:,} lines", "too-large"))
    if flaws:
        raise Problem(422, f"nothing was written: {flaws[0].message}", flaws=flaws[:50])
    return _done(shop, lines)
