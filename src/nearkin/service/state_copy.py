"""What a service keeps beside its collection, for a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nearkin.collection.backup import link
from nearkin.errors import BadInput
from nearkin.service.state import FILE, FOLDER

LEFT_OUT = ("imports",)  # files that the owner put there to be read once


def copy_state(place: Path, draft: Path) -> None:
    """A copy of the state as it is at one moment, while the service runs, and the files beside it.

    Of keys only hashes are kept, here as there; the secret that signs cursors stays behind, and a restored service makes its own.
    """
    folder = place / FOLDER
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not name.name.startswith((FILE, ".")) and name.parts[0] not in LEFT_OUT:
            link(path, draft / FOLDER / name)
    if (folder / FILE).exists():
        (draft / FOLDER).mkdir(exist_ok=True)
        _copy(folder / FILE, draft / FOLDER / FILE)


def _copy(path: Path, goal: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=10)) as old, closing(sqlite3.connect(goal, isolation_level=None)) as new:
            old.backup(new)
            new.executescript("PRAGMA journal_mode=DELETE; DELETE FROM secret; VACUUM;")
    except sqlite3.Error as error:
        raise BadInput(f"{path} cannot be copied: {error}; see: nearkin doctor {path.parent.parent}") from error
