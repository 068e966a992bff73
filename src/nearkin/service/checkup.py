"""Whether what a service keeps beside its collection is whole: its state, and sockets that nobody answers on."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import tempfile
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from nearkin.collection.finding import Finding, removed
from nearkin.service.state import FILE, FOLDER, State

YOUNG_S = 60.0  # a service that is just starting may not answer yet


def check_service(place: Path) -> list[Finding]:
    """The state database, and left-over sockets in the collection and among this user's folders of services."""
    return check_state(place) + check_sockets(place)


def check_state(place: Path) -> list[Finding]:
    """What SQLite's own check says of the state."""
    path = place / FOLDER / FILE
    wrong = _wrong(path) if path.exists() else ""
    if not wrong:
        return []
    return [
        Finding(
            what="damaged state",
            where=path,
            means=f"keys, jobs and judgements of the service cannot all be read: {wrong}",
            repair="writes it anew with the rows that can be read, the old file put aside; stop the service first, and see nearkin keys",
            mend=partial(_saved, place),
        )
    ]


def _wrong(path: Path) -> str:
    """What is wrong with a database, in a line; empty where nothing is."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as base:
            told = str(base.execute("PRAGMA integrity_check(1)").fetchone()[0])
        return "" if told == "ok" else told.splitlines()[0]
    except sqlite3.Error as error:
        return str(error)


def _saved(place: Path) -> None:
    """A new state with the rows of the old one that can be read."""
    path = place / FOLDER / FILE
    aside = path.with_suffix(".damaged")
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{end}", f"{aside}{end}")
    with closing(State(place)) as state:
        tables = [row["name"] for row in state.run("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        with suppress(sqlite3.Error), closing(sqlite3.connect(aside)) as old:
            for table in tables:
                _copy_rows(old, state, table)


def _copy_rows(old: sqlite3.Connection, state: State, table: str) -> None:
    """Row by row, up to the first that cannot be read."""
    names = [row["name"] for row in state.run(f'PRAGMA table_info("{table}")')]
    listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    with suppress(sqlite3.Error):
        for row in old.execute(f'SELECT {listed} FROM "{table}"'):
            state.run(f'INSERT OR IGNORE INTO "{table}" ({listed}) VALUES ({marks})', *row)


def check_sockets(place: Path) -> list[Finding]:
    """Sockets of services that are gone."""
    found = [
        removed("stale socket", path, "a service that is gone left it", partial(path.unlink, missing_ok=True))
        for path in sorted(place.rglob("*"))
        if _is_stale(path)
    ]
    for folder in (Path("/dev/shm"), Path(tempfile.gettempdir())):
        for path in sorted(folder.glob("nearkin-*")) if folder.is_dir() else ():
            if path.is_dir() and path.stat().st_uid == os.getuid() and any(_is_stale(each) for each in path.iterdir()):
                mend = partial(shutil.rmtree, path, ignore_errors=True)
                found.append(removed("stale socket", path, "a service that was killed left its folder, which takes memory", mend))
    return found


def _is_stale(path: Path) -> bool:
    """A socket, not just made, on which nobody answers."""
    with suppress(OSError):
        told = path.lstat()
        if not stat.S_ISSOCK(told.st_mode) or time.time() - told.st_mtime < YOUNG_S:
            return False
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1.0)
            try:
                line.connect(str(path))
            except ConnectionRefusedError:
                return True
    return False
