"""What people said of answers: a grade for a thing as an answer to a query, kept beside the collection."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from nearkin.service.state import State
from nearkin.tables import Catalog

GRADES = 3  # the highest grade; 0 says that a thing does not fit


@dataclass(frozen=True)
class Judgement:
    """`query` is its text; `by` the id of the key that said so, empty where there are no keys; `time` in seconds since 1970."""

    query: str
    item: str
    grade: int
    by: str
    time: float

    def told(self) -> dict[str, Any]:
        """As it is listed and exported: `query_id` and `item` are what evaluation reads as the two sides of a judgement."""
        return {"query_id": query_id(self.query), **asdict(self), "time": int(self.time)}


class Judgements:
    """One judgement a judge, query and thing; of what several judges said of the same pair, what was said last counts."""

    def __init__(self, state: State) -> None:
        self.state = state

    def put(self, query: str, item: str, grade: int, by: str) -> Judgement:
        """Keep this in place of what the same judge said before; on disk when it returns."""
        made = Judgement(query, item, grade, by, time.time())
        with self.state.durably():
            self.state.run(
                "INSERT OR REPLACE INTO judgements (query, item, grade, judge, time) VALUES (?, ?, ?, ?, ?)",
                query, item, grade, by, made.time,
            )  # fmt: skip
        return made

    def remove(self, query: str, item: str, by: str) -> bool:
        """Take back what this judge said; tells whether there was anything."""
        with self.state.durably():
            found = self.state.run("DELETE FROM judgements WHERE query = ? AND item = ? AND judge = ? RETURNING 1", query, item, by)
        return bool(found)

    def all(self, query: str | None = None, item: str | None = None) -> list[Judgement]:
        """What counts, in the order in which it was said; of one query, one thing, or both where they are named."""
        rows = self.state.run(
            "SELECT query, item, grade, judge, time, max(number) FROM judgements"
            " WHERE (?1 IS NULL OR query = ?1) AND (?2 IS NULL OR item = ?2) GROUP BY query, item ORDER BY max(number)",
            query, item,
        )  # fmt: skip
        return [Judgement(row["query"], row["item"], row["grade"], row["judge"], row["time"]) for row in rows]


def query_id(query: str) -> str:
    """A short name for a query, which no thing bears: a query called like a thing that holds its text would pass for a copy of it."""
    return f"query:{blake2b(query.encode(), digest_size=8).hexdigest()}"


def asked_of(judgements: Iterable[Judgement]) -> dict[str, list[Any]]:
    """Judgements as an evaluation is asked for: the queries with their texts, and a grade a pair."""
    found = list(judgements)
    return {
        "queries": [{"id": query_id(query), "text": query} for query in dict.fromkeys(each.query for each in found)],
        "judgements": [{"query": query_id(each.query), "item": each.item, "grade": each.grade} for each in found],
    }


def known(catalog: Catalog, keep: np.ndarray | None, found: list[Judgement]) -> list[Judgement]:
    """Those of things that are there, and of the rows that `keep` allows."""
    rows = catalog.rows_of([each.item for each in found], missing="mark")
    return [each for each, row in zip(found, rows.tolist(), strict=True) if row >= 0 and (keep is None or keep[row])]
