"""Recommend what goes with what someone had: cosine between the people of two items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.from_history import BlockRecommender, copied, judge, reasons, recommend
from nearkin.indexes.histories import Histories, known_counts
from nearkin.indexes.item_matrix import events, regrown, sorted_rows, walk
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Hits, Links, SparseVectors


@dataclass(kw_only=True)
class ItemKnn(BlockRecommender):
    """Item neighbours by shared people, the latest steps weighing most.

    Catalog[q] with a history -> Hits[q, k].
    score(c) = sum over the history of decay^age * both(h, c) / (count(h)^source * count(c)^target)
    source = target = 0.5 is the cosine; a source exponent of 0 (the default) lets popular history items speak louder, which
    predicts the next item better. Cost: the pairs of items that share a person, in time and in memory.
    Source: item-based collaborative filtering (Sarwar and others, WWW 2001; Deshpande and Karypis, TOIS 2004).
    """

    k: int = 10
    decay: float = 0.7  # weight kept with each step back
    source: float = 0.0
    target: float = 0.5
    repeats: bool = False  # whether what someone had may come again
    items_: Catalog | None = learned()
    matrix_: SparseVectors | None = learned()  # [n, n]

    def fit(self, interactions: Links) -> Self:
        from scipy.sparse import diags_array

        people = events(interactions)
        together = (people.T @ people).tocsr()
        together.setdiag(0)
        counts = np.maximum(known_counts(interactions), 1).astype(np.float32)
        self.matrix_ = sorted_rows(diags_array(counts**-self.source) @ together @ diags_array(counts**-self.target))
        self.items_ = interactions.right
        return self

    def block(self, histories: Histories) -> np.ndarray:
        return walk(fitted(self).matrix_, histories, self.decay)

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        return recommend(self, people, keep)

    def score(self, people: Catalog, rows: np.ndarray) -> np.ndarray:
        return judge(self, people, rows)

    def explain(self, history: Sequence[str], row: int) -> list[tuple[str, float]]:
        """What each item of the history adds to the score of the item at `row`, greatest first."""
        return reasons(self, history, row)

    def for_items(self, items: Catalog) -> Self:
        matrix = regrown(fitted(self).matrix_, items, self.items_)
        return copied(self, items_=items, matrix_=matrix)
