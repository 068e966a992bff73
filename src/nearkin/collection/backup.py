"""A collection as one file, taken while others read and write it.

The file is a tar, compressed by zstd (by gzip where its name ends in gz): `backup.json` with the version that it holds, the files of the
collection at that version, and last `sums.json` with the checksum of each.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import lance

from nearkin.collection.archive import FORMAT, HEAD, SUMS, Backup, Hashed, drafted, written
from nearkin.collection.check_datasets import NEWEST
from nearkin.collection.lock import writing
from nearkin.collection.manifest import NAME, Manifest
from nearkin.errors import BadInput
from nearkin.stage.sums import damaged

More = Callable[[Path, Path], None]  # adds to a draft of a backup what else belongs to a collection


def backup(place: Path, file: Path, *more: More, wait_s: float = 10.0) -> Backup:
    """Write the newest version of a collection, with its stages and links, to one file; under its name it is whole or not there.

    Writers wait only while the files of that version get a second name (a link; where the disk has none, a copy), so that none vanishes.
    Past versions and what was removed are left out. Refused: a file that exists; a writer that does not make way (`Busy`).
    """
    if file.exists():
        raise BadInput(f"{file} exists already; choose another name, or remove it first")
    Manifest.read(place)
    with drafted(place) as draft:
        with writing(place, wait_s):
            found = _linked(place, draft, Manifest.read(place))
        _check_stages(draft, place)
        for add in more:
            add(place, draft)
        _packed(draft, file, found)
    return found


def _linked(place: Path, draft: Path, manifest: Manifest) -> Backup:
    """Give the files of the newest version a second name below `draft`."""
    dataset = lance.dataset(str(place / "catalog.lance"))
    for path in (NAME, *(f"stages/{folder}/{each.name}" for folder in manifest.stages.values() for each in _files(place, folder))):
        link(place / path, draft / path)
    for name in ("catalog.lance", "links.lance"):
        if (place / name).exists():
            for path in _of_version(lance.dataset(str(place / name))):
                link(place / name / path, draft / name / path)
    return Backup(int(dataset.version), int(dataset.count_rows()), time.time())


def _check_stages(draft: Path, place: Path) -> None:
    """Refuse to keep what is damaged already."""
    wrong = [f"{folder.name}/{name}" for folder in sorted((draft / "stages").glob("*")) for name in damaged(folder)]
    if wrong:
        raise BadInput(f"damaged already, so not backed up: {', '.join(wrong)}; put it right first with: nearkin doctor {place} --repair")


def _files(place: Path, folder: str) -> list[Path]:
    return sorted(path for path in (place / "stages" / folder).iterdir() if path.is_file())


def _of_version(dataset: Any) -> Iterator[str]:
    """The files of a dataset that its present version is made of."""
    yield f"_versions/{NEWEST - int(dataset.version):020d}.manifest"
    for fragment in dataset.get_fragments():
        yield from (f"data/{each.path}" for each in fragment.data_files())
        if fragment.deletion_file():
            yield fragment.deletion_file()


def link(path: Path, goal: Path) -> None:
    """A second name for a file that is never changed in place; a copy where the disk cannot."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, goal)
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing, so nothing was backed up; see: nearkin doctor {path.parent}") from error
    except OSError:
        shutil.copyfile(path, goal)


def _packed(draft: Path, file: Path, found: Backup) -> None:
    head = {"format": FORMAT, "version": found.version, "things": found.things, "made": found.made}
    sums: dict[str, str] = {}
    paths = sorted(path for path in draft.rglob("*") if path.is_file())
    with written(file) as tar:
        _put_text(tar, HEAD, head, found.made)
        for path in paths:
            name = path.relative_to(draft).as_posix()
            with path.open("rb") as source:
                sums[name] = _put(tar, name, source, path.stat().st_size, found.made)
        _put_text(tar, SUMS, sums, found.made)


def _put_text(tar: tarfile.TarFile, name: str, told: Any, made: float) -> None:
    text = json.dumps(told, indent=1).encode()
    _put(tar, name, io.BytesIO(text), len(text), made)


def _put(tar: tarfile.TarFile, name: str, source: IO[bytes], size: int, made: float) -> str:
    """Add a file; gives its checksum. Nothing of this machine goes in: no owner, no time of the file."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(made)
    hashed = Hashed(source)
    tar.addfile(member, hashed)
    return hashed.sum.hexdigest()
