"""What evaluations found, kept beside the collection."""

from __future__ import annotations

import json
import secrets
import time
from sqlite3 import Row
from typing import Any

from nearkin.service.problems import Problem
from nearkin.service.slices import slice_of
from nearkin.service.state import State

LISTED = 100
SHORT = ("source", "queries", "judgements", "systems", "metrics", "figures")  # what the list tells of a report


class Reports:
    """A report: its summary, and the figures of each query."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, version: int, summary: dict[str, Any], queries: dict[str, Any]) -> str:
        """Keep a report of this version of the catalogue; its id."""
        name = secrets.token_hex(6)
        self.state.run(
            "INSERT INTO reports (id, made, version, summary, queries) VALUES (?, ?, ?, ?, ?)",
            name, time.time(), version, json.dumps(summary), json.dumps(queries),
        )  # fmt: skip
        return name

    def all(self) -> list[dict[str, Any]]:
        """The last hundred in short, newest first."""
        rows = self.state.run("SELECT id, made, version, summary FROM reports ORDER BY number DESC LIMIT ?", LISTED)
        return [{name: value for name, value in _told(row).items() if name in ("id", "made", "version", *SHORT)} for row in rows]

    def get(self, name: str) -> dict[str, Any]:
        """One summary. Refused (404): one that is not there."""
        return _told(self._row("id, made, version, summary", name))

    def queries(self, name: str) -> dict[str, Any]:
        """ids and texts of the queries, and `values`: system -> metric -> a figure a query."""
        found: dict[str, Any] = json.loads(self._row("queries", name)["queries"])
        return found

    def _row(self, columns: str, name: str) -> Row:
        found = self.state.run(f"SELECT {columns} FROM reports WHERE id = ?", name)
        if not found:
            raise Problem(404, f"there is no report {name[:80]!r}")
        return found[0]


def _told(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "made": row["made"], "version": row["version"], **json.loads(row["summary"])}


def against(queries: dict[str, Any], metric: str, a: str, b: str, kind: str | None = None) -> dict[str, Any]:
    """The queries that `a` answers better than `b` by this metric, and the contrary, largest difference first; and how many are equal.

    kind: only queries of this slice.
    """
    ours, theirs = (queries["values"][system][metric] for system in (a, b))
    rows = [
        {"query_id": name, "query": text, "a": one, "b": other, "difference": one - other}
        for name, text, one, other in zip(queries["ids"], queries["texts"], ours, theirs, strict=True)
        if kind in (None, slice_of(text))
    ]
    won = sorted((row for row in rows if row["difference"] > 0), key=lambda row: -row["difference"])
    lost = sorted((row for row in rows if row["difference"] < 0), key=lambda row: row["difference"])
    return {"metric": metric, "a": a, "b": b, "won": won, "lost": lost, "equal": len(rows) - len(won) - len(lost)}
