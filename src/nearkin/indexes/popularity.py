"""Recommend what most people had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.histories import Histories, in_rows_of, known_counts
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links


@dataclass(kw_only=True)
class Popularity(BlockRecommender):
    """The same list for everybody, by the number of training links; the least that any other model must beat.

    Catalog[q] with a history -> Hits[q, k]; score(item) = count(item). Works without any history. Cost: nothing.
    """

    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    items_: Catalog | None = learned()
    counts_: np.ndarray | None = learned()  # float32 [n]

    def fit(self, interactions: Links) -> Self:
        self.items_ = interactions.right
        self.counts_ = known_counts(interactions).astype(np.float32)
        return self

    def block(self, histories: Histories) -> np.ndarray:
        return np.tile(fitted(self).counts_, (len(histories), 1))

    def for_items(self, items: Catalog) -> Self:
        return copied(self, items_=items, counts_=in_rows_of(items, fitted(self).items_, self.counts_))
