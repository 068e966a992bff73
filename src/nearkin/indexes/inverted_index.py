"""Search by words: for each term the items that hold it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, checked_rows_held, joined_things
from nearkin.indexes.posting_lists import PostingLists
from nearkin.indexes.weighed_lists import Floors, WeighedLists
from nearkin.indexes.weightings import Bm25, Weighting
from nearkin.stage import Index, fitted, learned
from nearkin.tables import Catalog, Hits, SparseVectors


@dataclass(kw_only=True)
class InvertedIndex(Index):
    """Exact BM25, or another `Weighting`, over term counts; `Impacts` takes learned weights as they are.

    SparseVectors[q, v] -> Hits[q, min(k, n)]. score = sum of query value * weight over the query's terms, so a word that stands
    twice in the query counts twice; added in float32, the rarest term first. Equal scores by row; an item that shares no term of weight
    with the query is no hit. Length of an item: the sum of its counts. Rarity and mean length are those of the items held, without
    removed ones, at any time.
    Cost: 0.6 to 1.2 ns a posting of the query's terms, then a scan of n / 16 numbers or, where terms are rare, their postings again.
    Memory: 3 or 4 bytes a posting and 4 a term for each 65,536 items, read from a memory map after a load; 4 more a posting once many
    were searched. `add` copies the last range of 65,536 items and no other, `remove` reads the ranges of the removed items once;
    neither weighs a posting anew.
    Refused: negative numbers, another vocabulary (`add` takes a longer one, see `BagOfWords.extended`).
    Source: term-at-a-time over eager scores as in BM25S (Lù, 2024); ranges, selection by strided block maxima and floors are our own.
    """

    k: int = 10
    weighting: Weighting = field(default_factory=Bm25)
    threads: int = 1  # for many queries at once
    lists_: PostingLists | None = learned()
    floors_: Floors | None = learned()
    things_: Catalog | None = learned(optional=True)

    takes = SparseVectors

    def fit(self, items: SparseVectors) -> Self:
        self._hold(PostingLists.of(self._taken(items)), None, items.things)
        return self

    def add(self, items: SparseVectors) -> Self:
        """A new index that holds these too; their vocabulary may be longer, its first terms being those held."""
        lists = fitted(self).lists_
        if self._taken(items).dim < len(lists.held_by):
            raise ShapeError(f"InvertedIndex holds {len(lists.held_by)} terms, got vectors over {items.dim}; extend the encoder first")
        other = copy(self)
        other._hold(lists.with_more(items), self.floors_, joined_things(self, self.things_, items.things))
        return other

    def remove(self, rows: np.ndarray) -> Self:
        """A new index in which these are no hits and count for no statistic; the rows of the others stay."""
        lists = fitted(self).lists_
        rows = checked_rows_held(rows, len(self))
        other, left = copy(self), lists.without(rows)
        other._hold(left, None if len(left.dead) < len(lists.dead) else self.floors_, self.things_)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).lists_)

    def __call__(self, queries: SparseVectors, *, keep: np.ndarray | None = None) -> Hits:
        index, keep = self._weighed(), checked_keep(keep, len(self))
        rows, scores = index.search(self._checked(queries), keep, min(self.k, len(self)), self.threads)
        return Hits.ordered(rows, scores, queries.things, self.things_)

    def score(self, queries: SparseVectors, rows: np.ndarray) -> np.ndarray:
        index = self._weighed()
        return index.score(self._checked(queries), checked_candidates(rows, len(queries), len(self)))

    def explain(self, query: SparseVectors, row: int) -> list[tuple[int, float]]:
        """What each term (column) of one query adds to the score of an item, largest first; the sum is the score."""
        if len(query) != 1:
            raise BadInput(f"one query is explained at a time, got {len(query)}; use .take([row])")
        each = [
            SparseVectors(np.array([0, 1]), query.columns[[place]], query.values[[place]], query.dim) for place in range(len(query.columns))
        ]
        parts = [(int(one.columns[0]), float(self.score(one, np.array([[row]]))[0, 0])) for one in each]
        return sorted((part for part in parts if part[1]), key=lambda part: -part[1])

    def state(self) -> dict[str, Any]:
        lists, floors = fitted(self).lists_, self.floors_
        return {"lists": lists.arrays(), "floors": floors.gains, "floors_mean": floors.mean, "things": self.things_}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.lists_, self.things_ = PostingLists.from_arrays(state["lists"]), state["things"]
        self.floors_ = Floors(state["floors"], state["floors_mean"])

    def _hold(self, lists: PostingLists, floors: Floors | None, things: Catalog | None) -> None:
        self.lists_, self.things_ = lists, things
        self.__dict__.pop("_now", None)
        if floors is None or not lists.coded:
            self._now = WeighedLists(lists, self.weighting)
            floors = Floors(self._now.floors, self._now.mean)
        self.floors_ = floors

    def _weighed(self) -> WeighedLists:
        """What searches read; made at the first one after an update or a load."""
        fitted(self)
        if "_now" not in self.__dict__:
            self._now = WeighedLists(self.lists_, self.weighting, self.floors_)  # type: ignore[arg-type]
        return self._now

    def _taken(self, items: SparseVectors) -> SparseVectors:
        check_table(self, items, SparseVectors)
        if len(items.values) and items.values.min() < 0:
            raise BadInput("InvertedIndex holds counts or weights that are not negative; search signed vectors by FlatIndex")
        return items

    def _checked(self, queries: SparseVectors) -> SparseVectors:
        check_table(self, queries, SparseVectors)
        check_dim(self, len(self.lists_.held_by), queries.dim)  # type: ignore[union-attr]
        if len(queries.values) and queries.values.min() < 0:
            raise BadInput("queries of an InvertedIndex hold counts or weights that are not negative")
        return queries
