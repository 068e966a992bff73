"""A backup put back as a collection, after all of it was checked."""

from __future__ import annotations

import json
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from nearkin.collection.archive import FORMAT, HEAD, SUMS, Backup, Hashed, drafted, opened
from nearkin.collection.collection import Collection
from nearkin.errors import BadInput

# What a collection is made of: the manifest, files of its datasets and stages, and what a service keeps.
NAMES = re.compile(r"kin\.toml|(catalog|links)\.lance/[\w.-]+(/[\w.-]+)*|stages/[^/]+/[\w.-]+|\.service/[\w.-]+(/[\w.-]+)*")
MOST_TEXT = 256 << 20  # bytes of a list of checksums
BLOCK = 1 << 20


def restore(file: Path, place: Path) -> Backup:
    """Put a backup back as a collection under a new name, all or nothing.

    Refused: a place that holds anything; a file that is no backup, is cut short or damaged, has links or names that lead elsewhere.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BadInput(f"{place} is not empty; restore to a new place, and swap the two when all is well")
    if not file.is_file():
        raise BadInput(f"there is no file {file}")
    with drafted(place) as draft:
        try:
            found = _unpacked(file, draft)
        except (tarfile.TarError, OSError, EOFError, pa.ArrowException) as error:
            raise BadInput(f"{file} cannot be read to its end: {error}; it is cut short or damaged, take another backup") from error
        _check_opens(draft, file, found)
        if place.exists():
            place.rmdir()
        draft.chmod(0o755)
        os.rename(draft, place)
    return found


def _unpacked(file: Path, draft: Path) -> Backup:
    """All files of the archive, below the draft; gives what it says it is."""
    found: Backup | None = None
    told: dict[str, Any] | None = None
    have: dict[str, str] = {}
    with opened(file) as tar:
        for member in tar:
            if told is not None:
                raise BadInput(f"{file} goes on after its end; it is no backup, or damaged")
            if member.name in (HEAD, SUMS):
                text = _text(tar, member, file)
                found, told = (_head(file, text), None) if member.name == HEAD else (found, text)
            elif found is None:
                raise BadInput(f"{file} is no backup: it does not begin with {HEAD}")
            else:
                name = _checked(file, member, have)  # before a byte of it is written
                have[name] = _written(tar, member, draft)
    if found is None or told != have:
        wrong = sorted(name for name in have if (told or {}).get(name) != have[name]) + sorted((told or {}).keys() - have.keys())
        raise BadInput(f"{file} is damaged or cut short: {', '.join(wrong[:5]) or SUMS} is not what was backed up; take another backup")
    return found


def _checked(file: Path, member: tarfile.TarInfo, have: dict[str, str]) -> str:
    """The name of a file, after refusing what could write elsewhere."""
    name = member.name
    plain = member.isreg() and not member.issparse() and NAMES.fullmatch(name) and not {"", ".", ".."} & set(name.split("/"))
    if not plain or name in have:
        raise BadInput(f"{file} holds {name[:200]!r}, which is not a plain file of a collection; nothing was restored")
    return name


def _written(tar: tarfile.TarFile, member: tarfile.TarInfo, draft: Path) -> str:
    """The file below the draft; gives its checksum."""
    source, path = tar.extractfile(member), draft / member.name
    assert source is not None
    private = member.name.startswith(".service/")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o755)
    hashed = Hashed(source)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644), "wb") as file:
        while block := hashed.read(BLOCK):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return hashed.sum.hexdigest()


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo, file: Path) -> dict[str, Any]:
    source = tar.extractfile(member) if member.isreg() and member.size <= MOST_TEXT else None
    try:
        told = json.loads(source.read()) if source is not None else None
    except ValueError as error:
        raise BadInput(f"{file} is damaged: {member.name} is not what was written") from error
    if not isinstance(told, dict):
        raise BadInput(f"{file} is damaged: {member.name} is not what was written")
    return told


def _head(file: Path, told: dict[str, Any]) -> Backup:
    if not isinstance(told.get("format"), int) or told["format"] > FORMAT:
        raise BadInput(f"{file} was written by a newer nearkin (format {told.get('format')}, this one reads {FORMAT}); upgrade nearkin")
    try:
        return Backup(int(told["version"]), int(told["things"]), float(told["made"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{file} is damaged: {HEAD} does not tell its version") from error


def _check_opens(draft: Path, file: Path, found: Backup) -> None:
    """Refuse what does not open as the version that it says."""
    with Collection.open(draft) as collection:
        if (collection.version, len(collection)) != (found.version, found.things):
            raise BadInput(f"{file} says version {found.version}, {found.things:,} things; it holds version {collection.version}")
