"""What a service remembers between two starts, beside the collection: one small SQLite file."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from nearkin.errors import BadInput

FOLDER, FILE = ".service", "state.sqlite3"
TABLES = """
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, filter TEXT,
    made REAL NOT NULL, expires REAL, used REAL, rate REAL, due REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, digest BLOB NOT NULL, made REAL NOT NULL, status INTEGER, kind TEXT, body BLOB, after INTEGER, links INTEGER);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, asked TEXT NOT NULL, state TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0, total INTEGER, log TEXT NOT NULL DEFAULT '', problem TEXT, result TEXT,
    made REAL NOT NULL, started REAL, ended REAL, tries INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS judgements (
    number INTEGER PRIMARY KEY AUTOINCREMENT, query TEXT NOT NULL, item TEXT NOT NULL, grade INTEGER NOT NULL, judge TEXT NOT NULL,
    time REAL NOT NULL, UNIQUE (query, item, judge));
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, made REAL NOT NULL, version INTEGER NOT NULL,
    summary TEXT NOT NULL, queries TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS verdicts (
    match TEXT NOT NULL, pair INTEGER NOT NULL, verdict TEXT NOT NULL, judge TEXT NOT NULL, time REAL NOT NULL, PRIMARY KEY (match, pair));
"""


class State:
    """Statements of one process, one at a time; other processes (commands, jobs) may use the same file meanwhile."""

    def __init__(self, place: Path) -> None:
        folder = place / FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._base = sqlite3.connect(folder / FILE, timeout=10, check_same_thread=False, isolation_level=None)
            (folder / FILE).chmod(0o600)
            self._base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + TABLES)
            self._widen("replies", {"after": "INTEGER", "links": "INTEGER"})
            self._widen("keys", {"rate": "REAL", "due": "REAL NOT NULL DEFAULT 0"})
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"{folder} cannot be written: {error}; a service keeps its keys and jobs there, so give it the right to"
            ) from error
        self._base.row_factory = sqlite3.Row
        self._lock = RLock()

    def _widen(self, table: str, columns: Mapping[str, str]) -> None:
        """Give a table of an earlier nearkin the columns that it lacks."""
        there = {row[1] for row in self._base.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in there:
                self._base.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def close(self) -> None:
        with self._lock:
            self._base.close()

    def run(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """One statement; the rows it gives."""
        with self._lock:
            return self._base.execute(statement, values).fetchall()

    @contextmanager
    def durably(self) -> Iterator[None]:
        """Statements that are on the disk itself when this ends, whatever then happens to the machine; costs a flush each."""
        with self._lock:
            self._base.execute("PRAGMA synchronous=FULL")
            try:
                yield
            finally:
                self._base.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Statements that all hold or none, with no other process between them."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def secret(self) -> bytes:
        """32 bytes that sign cursors, the same as long as the collection lives."""
        with self.together():
            if not self.run("SELECT value FROM secret"):
                self.run("INSERT INTO secret VALUES (?)", secrets.token_bytes(32))
            return bytes(self.run("SELECT value FROM secret")[0]["value"])
