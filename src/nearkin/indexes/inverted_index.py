"""Search by words: for each term the items that hold it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes import posting_lists, postings
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, checked_rows_held, joined_things
from nearkin.indexes.weightings import Bm25, Weighting, lacking
from nearkin.stage import Index, fitted, learned
from nearkin.tables import Catalog, Hits, SparseVectors

_AT_ONCE = 1 << 20  # postings weighed in one step, so that the float64 in between stays at tens of MB
_EVERY = np.empty(0, np.bool_)


@dataclass(kw_only=True)
class InvertedIndex(Index):
    """Exact BM25, or another `Weighting`, over term counts; `Impacts` takes learned weights as they are.

    SparseVectors[q, v] -> Hits[q, min(k, n)]. score = sum of query value * weight over the query's terms, so a word that stands
    twice in the query counts twice; added in float32 in the order of the columns. Equal scores by row; an item that shares no term
    of weight with the query is no hit.
    Length of an item: the sum of its counts. Rarity and mean length are those of the items held, without removed ones, at any time.
    Cost: about 1 ns a posting of the query's terms (2 where they do not fit the cache), plus a scan of n / 16 numbers; memory 8 bytes a
    posting and 1, 2 or 4 for its count. `add` and `remove` copy the postings and weigh them anew, about 20 ns each.
    Refused: negative numbers, another vocabulary (`add` takes a longer one, see `BagOfWords.extended`).
    Source: term-at-a-time over ready weights as in BM25S (Lù, 2024); selection by strided block maxima is our own.
    """

    k: int = 10
    weighting: Weighting = field(default_factory=Bm25)
    offsets_: np.ndarray | None = learned()  # int64 [v + 1]: the postings of each term
    items_: np.ndarray | None = learned()  # uint32 [postings], rising in each term
    counts_: np.ndarray | None = learned()  # uint8, uint16 or float32 [postings]
    weights_: np.ndarray | None = learned()  # float32 [postings], made from all the others
    floors_: np.ndarray | None = learned()  # float32 [v, 3]: the 10th, 100th and 1000th largest weight of each term
    lacks_: np.ndarray | None = learned()  # float32 [v]: what a term adds to the score of items that lack it
    lengths_: np.ndarray | None = learned()  # float32 [n]: sum of counts; -1 where the item was removed
    things_: Catalog | None = learned(optional=True)

    takes = SparseVectors

    def fit(self, items: SparseVectors) -> Self:
        self._hold(*self._lists(items), _sums(items), items.things)
        return self

    def add(self, items: SparseVectors) -> Self:
        """A new index that holds these too; their vocabulary may be longer, its first terms being those held."""
        old = fitted(self)
        offsets, places, counts = self._lists(items)
        if len(offsets) < len(old.offsets_):
            raise ShapeError(f"InvertedIndex holds {len(old.offsets_) - 1} terms, got vectors over {items.dim}; extend the encoder first")
        kind = np.result_type(old.counts_, counts)
        lists = posting_lists.joined(
            old.offsets_, old.items_, old.counts_.astype(kind), offsets, places, counts.astype(kind), np.uint32(len(self))
        )
        other = copy(self)
        other._hold(*lists, np.concatenate([old.lengths_, _sums(items)]), joined_things(self, old.things_, items.things))
        return other

    def remove(self, rows: np.ndarray) -> Self:
        """A new index in which these are no hits and count for no statistic; the rows of the others stay."""
        old, gone = fitted(self), np.zeros(len(self), np.bool_)
        gone[checked_rows_held(rows, len(self))] = True
        other = copy(self)
        lists = posting_lists.without(old.offsets_, old.items_, old.counts_, gone)
        other._hold(*lists, np.where(gone, np.float32(-1), old.lengths_), old.things_)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).lengths_)

    def __call__(self, queries: SparseVectors, *, keep: np.ndarray | None = None) -> Hits:
        index, values = fitted(self), self._checked(queries)
        keep = checked_keep(keep, len(self))
        lists = (index.offsets_, index.items_, index.weights_, index.floors_, _EVERY if keep is None else keep)
        rows, scores = postings.search(
            queries.offsets, queries.columns, values, self._shifts(queries), *lists, len(self), min(self.k, len(self))
        )
        return Hits(rows, scores, queries.things, index.things_)

    def score(self, queries: SparseVectors, rows: np.ndarray) -> np.ndarray:
        index, values = fitted(self), self._checked(queries)
        rows = checked_candidates(rows, len(queries), len(self))
        sums = postings.score(queries.offsets, queries.columns, values, index.offsets_, index.items_, index.weights_, rows)
        return np.where(rows >= 0, sums + self._shifts(queries)[:, None], np.float32(-np.inf))

    def explain(self, query: SparseVectors, row: int) -> list[tuple[int, float]]:
        """What each term (column) of one query adds to the score of an item, largest first; the sum is the score."""
        if len(query) != 1:
            raise BadInput(f"one query is explained at a time, got {len(query)}; use .take([row])")
        each = [
            SparseVectors(np.array([0, 1]), query.columns[[place]], query.values[[place]], query.dim) for place in range(len(query.columns))
        ]
        parts = [(int(one.columns[0]), float(self.score(one, np.array([[row]]))[0, 0])) for one in each]
        return sorted((part for part in parts if part[1]), key=lambda part: -part[1])

    def _lists(self, items: SparseVectors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        check_table(self, items, SparseVectors)
        if len(items.values) and items.values.min() < 0:
            raise BadInput("InvertedIndex holds counts or weights that are not negative; search signed vectors by FlatIndex")
        offsets, places, values = posting_lists.transposed(items.offsets, items.columns, items.values, items.dim)
        return offsets, places, _smallest(values)

    def _hold(self, offsets: np.ndarray, items: np.ndarray, counts: np.ndarray, lengths: np.ndarray, things: Catalog | None) -> None:
        self.offsets_, self.items_, self.counts_, self.lengths_, self.things_ = offsets, items, counts, lengths, things
        live = lengths[lengths >= 0]
        held_by = np.diff(offsets)
        rarity = np.where(held_by > 0, self.weighting.rarity(np.maximum(held_by, 1), max(len(live), 1)), 0)
        self.lacks_ = (rarity * lacking(self.weighting)).astype(np.float32)
        mean = max(float(live.mean(dtype=np.float64)) if len(live) else 0, 1e-300)
        self.weights_ = np.empty(len(items), np.float32)
        for start in range(0, len(items), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            gain = self.weighting.gain(counts[part].astype(np.float64), lengths[items[part]] / mean) - lacking(self.weighting)
            self.weights_[part] = gain * rarity[_terms_of(offsets, start, len(gain))]
        self.floors_ = posting_lists.largest(offsets, self.weights_)

    def _checked(self, queries: SparseVectors) -> np.ndarray:
        check_table(self, queries, SparseVectors)
        check_dim(self, len(self.offsets_) - 1, queries.dim)  # type: ignore[arg-type]
        if len(queries.values) and queries.values.min() < 0:
            raise BadInput("queries of an InvertedIndex hold counts or weights that are not negative")
        return queries.values

    def _shifts(self, queries: SparseVectors) -> np.ndarray:
        """float32 [q]: the score of an item that holds no term of the query."""
        owner = np.repeat(np.arange(len(queries)), np.diff(queries.offsets))
        return np.bincount(owner, queries.values * self.lacks_[queries.columns], len(queries)).astype(np.float32)  # type: ignore[index]


def _sums(items: SparseVectors) -> np.ndarray:
    """The sum of each row, float32 [n]."""
    owner = np.repeat(np.arange(len(items)), np.diff(items.offsets))
    return np.bincount(owner, items.values, len(items)).astype(np.float32)


def _smallest(values: np.ndarray) -> np.ndarray:
    """Counts in the smallest type that holds them all; weights as they are."""
    most: Any = values.max(initial=0)
    if most > np.iinfo(np.uint16).max or (values != np.trunc(values)).any():
        return values
    return values.astype(np.uint8 if most < 256 else np.uint16)


def _terms_of(offsets: np.ndarray, start: int, size: int) -> np.ndarray:
    """The term of each of `size` postings from `start` on."""
    first, last = np.searchsorted(offsets, (start, start + size - 1), side="right") - 1
    edges = np.clip(offsets[first : last + 2], start, start + size)
    return np.repeat(np.arange(first, last + 1), np.diff(edges))
