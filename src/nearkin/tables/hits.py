"""The answer to each query: rows of items and scores, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.tables.catalog import Catalog
from nearkin.tables.links import Links

WORST = np.float32(-np.inf)  # the score of a place that holds no hit


class Hit(NamedTuple):
    """One hit, by its ids."""

    query: str
    item: str
    rank: int
    score: float


class Hits:
    """`rows`: int32 [q, k], -1 pads; `scores`: float32 [q, k], never rising, -inf at pads; equal scores by rising row.

    `queries` and `items` are the catalogues that the rows belong to. Refused: other shapes, a wrong order, a row twice, NaN.
    """

    def __init__(self, rows: np.ndarray, scores: np.ndarray, queries: Catalog | None, items: Catalog | None) -> None:
        self.rows = np.ascontiguousarray(rows, np.int32)
        self.scores = np.where(self.rows >= 0, scores, WORST).astype(np.float32)
        self.queries, self.items = queries, items
        self._check()

    @classmethod
    def ordered(cls, rows: np.ndarray, scores: np.ndarray, queries: Catalog | None, items: Catalog | None) -> Self:
        """Hits from a kernel that is tested to give int32 rows and float32 scores in this form: taken as they are, nothing is checked.

        The checks cost more than many searches do: 15 us a query at k = 1000.
        """
        hits = object.__new__(cls)
        hits.rows, hits.scores, hits.queries, hits.items = rows, scores, queries, items
        return hits

    def _check(self) -> None:
        if self.rows.ndim != 2 or self.rows.shape != self.scores.shape:
            raise ShapeError(f"hits are rows and scores [q, k]; got {list(self.rows.shape)} and {list(self.scores.shape)}")
        if np.isnan(self.scores).any():
            raise ShapeError(f"query {int(np.argmax(np.isnan(self.scores).any(1)))} has a score that is NaN")
        if self.items is not None and self.rows.size and self.rows.max() >= len(self.items):
            raise ShapeError(f"hits name row {self.rows.max()}, but there are {len(self.items)} items")
        if self.queries is not None and len(self.queries) != len(self.rows):
            raise ShapeError(f"{len(self.rows)} rows of hits for {len(self.queries)} queries")
        falls = self.scores[:, 1:] < self.scores[:, :-1]
        ties = (self.scores[:, 1:] == self.scores[:, :-1]) & ((self.rows[:, 1:] > self.rows[:, :-1]) | (self.rows[:, 1:] < 0))
        if not (falls | ties).all():
            raise ShapeError(f"the hits of query {int(np.argmin((falls | ties).all(1)))} are not best first with ties by rising row")
        ordered = np.sort(self.rows, axis=1)
        twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(1)
        if twice.any():
            raise ShapeError(f"query {int(np.argmax(twice))} holds the same item twice")

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Hits({len(self):,} queries, up to {self.k} each)"

    @property
    def k(self) -> int:
        """Places a query."""
        return int(self.rows.shape[1])

    def __iter__(self) -> Iterator[Hit]:
        """All hits, query by query, best first."""
        for query in range(len(self)):
            yield from self.of(query)

    def of(self, query: int) -> list[Hit]:
        """The hits of one query, best first."""
        name = str(query) if self.queries is None else self.queries.ids[query].as_py()
        places = np.flatnonzero(self.rows[query] >= 0)
        items = self.rows[query, places]
        ids = items.astype(str).tolist() if self.items is None else self.items.ids_at(items)
        return [
            Hit(name, item, rank + 1, float(self.scores[query, place])) for rank, (item, place) in enumerate(zip(ids, places, strict=True))
        ]

    def ids(self) -> list[list[str]]:
        """The item ids of each query, best first."""
        return [[hit.item for hit in self.of(query)] for query in range(len(self))]

    def top(self, k: int) -> Self:
        """The first k of each query."""
        if k >= self.k:
            return self
        return self.ordered(np.ascontiguousarray(self.rows[:, :k]), np.ascontiguousarray(self.scores[:, :k]), self.queries, self.items)

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The hits of these queries."""
        chosen = np.asarray(rows, np.int64)
        return type(self)(self.rows[chosen], self.scores[chosen], None if self.queries is None else self.queries.take(chosen), self.items)

    def to_links(self) -> Links:
        """Each hit as a link from query to item, its score as weight."""
        if self.queries is None or self.items is None:
            raise BadInput("links need both catalogues, but these hits do not know their queries or items")
        query, place = np.nonzero(self.rows >= 0)
        return Links(self.queries, self.items, query, self.rows[query, place], weight=self.scores[query, place])


def best(scores: np.ndarray, k: int, *, queries: Catalog | None, items: Catalog | None, rows: np.ndarray | None = None) -> Hits:
    """The k highest scores of each query as hits; -inf never is a hit; equal scores by rising row.

    scores: float [q, c]; rows: int [q, c], the item behind each score (-1: none; no item twice), or None where column j is item j.
    Cost: one partition of each row, and a sort of k.
    """
    scores = np.asarray(scores, np.float32)
    if rows is None:
        rows = np.broadcast_to(np.arange(scores.shape[1], dtype=np.int32), scores.shape)
    scores = np.where(rows >= 0, scores, WORST)
    rows = np.where(scores > WORST, rows, -1)
    if k < scores.shape[1]:
        keep = _first_k(scores, rows, k)
        scores, rows = np.take_along_axis(scores, keep, 1), np.take_along_axis(rows, keep, 1)
    order = np.lexsort((np.where(rows >= 0, rows, np.iinfo(np.int32).max), -scores), axis=1)
    return Hits(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1), queries, items)


def _first_k(scores: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k best of each row; of those tied at the k-th score the ones with the lowest item row are taken."""
    keep = np.argpartition(-scores, k - 1, axis=1)[:, :k] if k else np.empty((len(scores), 0), np.int64)
    if not k:
        return keep
    cut = np.take_along_axis(scores, keep, 1).min(1)
    crowded = np.flatnonzero(((scores >= cut[:, None]).sum(1) > k) & (cut > WORST))
    for query in crowded:
        above = np.flatnonzero(scores[query] > cut[query])
        tied = np.flatnonzero(scores[query] == cut[query])
        keep[query] = np.concatenate([above, tied[np.argsort(rows[query, tied], kind="stable")[: k - len(above)]]])
    return keep
