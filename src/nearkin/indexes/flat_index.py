"""Exact search of dense vectors."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, checked_rows_held, joined_things
from nearkin.stage import Index, fitted, learned
from nearkin.tables import Hits, Vectors, best


@dataclass(kw_only=True)
class FlatIndex(Index):
    """Exact search by inner product, every query against every item: the yardstick for all other indexes.

    Vectors[q, d] -> Hits[q, min(k, n)]. Cost: q * n * d multiplications; memory 4 * n * d bytes.
    """

    k: int = 10
    items_: Vectors | None = learned()
    gone_: np.ndarray | None = learned()  # bool [n]: removed

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        self.items_, self.gone_ = items, np.zeros(len(items), np.bool_)
        return self

    def add(self, items: Vectors) -> Self:
        old, other = fitted(self), copy(self)
        check_dim(self, old.items_.dim, items.dim)
        rows = np.concatenate([old.items_.rows, items.rows])
        other.items_ = Vectors(rows, joined_things(self, old.items_.things, items.things))
        other.gone_ = np.concatenate([old.gone_, np.zeros(len(items), np.bool_)])
        return other

    def remove(self, rows: np.ndarray) -> Self:
        old, other = fitted(self), copy(self)
        other.gone_ = old.gone_.copy()
        other.gone_[checked_rows_held(rows, len(self))] = True
        return other

    def __len__(self) -> int:
        return len(fitted(self).items_)

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        items = fitted(self).items_
        check_table(self, queries, Vectors)
        check_dim(self, items.dim, queries.dim)
        keep = checked_keep(keep, len(self))
        barred = self.gone_ if keep is None else self.gone_ | ~keep
        scores = np.where(barred, -np.inf, self._products(queries, items.rows))
        return best(scores, min(self.k, len(items)), queries=queries.things, items=items.things)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        items = fitted(self).items_
        rows = checked_candidates(rows, len(queries), len(self))
        scores = np.take_along_axis(self._products(queries, items.rows), np.maximum(rows, 0), 1)
        return np.where((rows >= 0), scores, -np.inf).astype(np.float32)

    def _products(self, queries, rows):
        return np.stack([np.einsum("nd,d->n", rows, q) for q in queries.rows.astype(np.float32)]) if len(queries) else np.empty((0, len(rows)), np.float32)
