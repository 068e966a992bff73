"""Recommenders that are one matrix of item-to-item weights, however they come by it."""

from __future__ import annotations

from typing import Self

import numpy as np

from nearkin.indexes.from_history import LinearRecommender, copied
from nearkin.indexes.histories import Histories
from nearkin.indexes.item_matrix import regrown, walk
from nearkin.stage import fitted
from nearkin.tables import Catalog, SparseVectors


class MatrixRecommender(LinearRecommender):
    """score(c) = sum over the history of decay^age * matrix[h, c]; `matrix_` [n, n] is what `fit` of a method finds."""

    decay: float
    matrix_: SparseVectors | None

    def block(self, histories: Histories) -> np.ndarray:
        return walk(fitted(self).matrix_, histories, self.decay)  # type: ignore[arg-type]

    def for_items(self, items: Catalog) -> Self:
        matrix = regrown(fitted(self).matrix_, items, self.items_)  # type: ignore[arg-type]
        copy: Self = copied(self, items_=items, matrix_=matrix)
        return copy
