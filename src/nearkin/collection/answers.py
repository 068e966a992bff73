"""What a collection answers: hits that know the things they name, and, if asked, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nearkin.tables import Hit, Hits


@dataclass(frozen=True)
class Answer:
    """One hit: ids, rank (from 1), score, the thing's own fields and title, and why it is there (empty unless asked)."""

    query: str
    item: str
    rank: int
    score: float
    thing: Mapping[str, Any]
    title: str = ""
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """All hits of all queries; iterating gives them one by one, best first. `hits` is the table behind."""

    hits: Hits
    reasons: Mapping[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Answer]:
        for query in range(len(self.hits)):
            yield from self.of(query)

    def of(self, query: int) -> list[Answer]:
        """The answers to one query, best first."""
        assert self.hits.items is not None
        named = self.hits.of(query)
        rows = self.hits.rows[query][: len(named)]
        things = self.hits.items.take(rows).table.to_pylist()
        return [self._answer(hit, thing, query, int(row)) for hit, thing, row in zip(named, things, rows, strict=True)]

    def _answer(self, hit: Hit, thing: Mapping[str, Any], query: int, row: int) -> Answer:
        assert self.hits.items is not None
        title = title_of(thing, hit.item, self.hits.items.fields("text"))
        return Answer(hit.query, hit.item, hit.rank, hit.score, thing, title, self.reasons.get((query, row), {}))

    def ids(self) -> list[list[str]]:
        """The item ids of each query, best first."""
        return self.hits.ids()


def title_of(thing: Mapping[str, Any], item: str, texts: list[str]) -> str:
    """What to call a thing: the first of its texts that says more than its id, else the id."""
    told = (thing[name] for name in texts)
    return next((text for text in told if isinstance(text, str) and text not in ("", item)), item)
