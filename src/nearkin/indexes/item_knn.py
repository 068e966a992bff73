"""Recommend what goes with what someone had: cosine between the people of two items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.histories import known_counts
from nearkin.indexes.item_matrix import events, sorted_rows
from nearkin.indexes.matrix_recommender import MatrixRecommender
from nearkin.stage import learned
from nearkin.tables import Catalog, Links, SparseVectors


@dataclass(kw_only=True)
class ItemKnn(MatrixRecommender):
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
