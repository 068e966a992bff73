"""What a service answered, to be read as the answers of a collection are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from nearkin.collection.answers import Answer


@dataclass(frozen=True)
class Found:
    """All hits of all queries; iterating gives them one by one, best first.

    version: of the catalogue that answered; total, facets, next: as the service tells them, empty where several requests were made.
    """

    queries: Sequence[str]
    hits: Sequence[Sequence[Mapping[str, Any]]]
    version: int
    total: Mapping[str, Any] = field(default_factory=dict)
    facets: Mapping[str, Any] = field(default_factory=dict)
    next: str | None = None
    warnings: Sequence[str] = ()

    @classmethod
    def joined(cls, queries: Sequence[str], bodies: Sequence[Mapping[str, Any]]) -> Self:
        """The answers to all parts of one question, in order."""
        hits = [page for body in bodies for page in body["hits"]]
        warnings = [warning for body in bodies for warning in body["warnings"]]
        version = min((body["version"] for body in bodies), default=0)
        only: Mapping[str, Any] = bodies[0] if len(bodies) == 1 else {}
        return cls(queries, hits, version, only.get("total", {}), only.get("facets", {}), only.get("next"), warnings)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Answer]:
        for query in range(len(self.hits)):
            yield from self.of(query)

    def of(self, query: int) -> list[Answer]:
        """The answers to one query, best first."""
        return [self._answer(self.queries[query], hit) for hit in self.hits[query]]

    def _answer(self, query: str, hit: Mapping[str, Any]) -> Answer:
        why = dict(hit.get("why", {}))
        if why and "relevance" in hit:
            why["relevance"] = hit["relevance"]
        return Answer(query, hit["id"], hit["rank"], hit["score"], hit["fields"], hit["title"], why)

    def ids(self) -> list[list[str]]:
        """The item ids of each query, best first."""
        return [[hit["id"] for hit in page] for page in self.hits]
