"""Checksums of the files of a stage, written with it, so that damage is seen by who looks for it; loading does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

NAME = "sums.json"


def digest(path: Path) -> str:
    """Of the bytes of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def write_sums(folder: Path) -> None:
    """Note what each file of the folder is."""
    sums = {path.name: digest(path) for path in sorted(folder.iterdir()) if path.name != NAME}
    (folder / NAME).write_text(json.dumps(sums, indent=1))


def damaged(folder: Path) -> list[str]:
    """The names of the files that are gone or other than when they were written; none are known of a stage without checksums."""
    path = folder / NAME
    if not path.exists():
        return []
    try:
        sums = dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return [NAME]
    return [name for name, told in sums.items() if not (folder / name).is_file() or digest(folder / name) != told]
