"""Exact search of bags of vectors."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.marking import MarkingIndex
from nearkin.kernels.chamfer import chamfer
from nearkin.kernels.tiles import bits_of, padded
from nearkin.stage import fitted, learned
from nearkin.tables import Hits, RaggedVectors, best


@dataclass(kw_only=True)
class ChamferIndex(MarkingIndex):
    """Exact late interaction: every query against every item, each query vector with its best partner in the item.

    RaggedVectors[q, d] -> Hits[q, min(k, n)]; score = sum over query vectors of the largest product with a vector of the item, the same
    to the last bit in any batch. Items are float32 or float16 and may be a memory map. An item without vectors is never a hit; a query
    without vectors scores 0 with all others. Equal scores by row.
    Cost: query vectors * item vectors * d multiplications, at about 12 thousand million a second on one core; memory that of the rows.
    `add` copies the rows, `remove` marks them. Refused: another dim.
    Source: the MaxSim of ColBERT (Khattab and Zaharia, 2020); Chamfer similarity in MUVERA.
    """

    k: int = 10
    items_: RaggedVectors | None = learned()
    gone_: np.ndarray | None = learned()  # bool [n]: removed, or without vectors

    takes = RaggedVectors

    def fit(self, items: RaggedVectors) -> Self:
        check_table(self, items, RaggedVectors)
        self.items_, self.gone_ = items, np.diff(items.offsets) == 0
        return self

    def add(self, items: RaggedVectors) -> Self:
        old = fitted(self).items_
        check_table(self, items, RaggedVectors)
        check_dim(self, old.dim, items.dim)
        other, offsets = copy(self), np.concatenate([old.offsets, old.offsets[-1] + items.offsets[1:]])
        other.items_ = RaggedVectors(np.concatenate([old.rows, items.rows]), offsets, joined_things(self, old.things, items.things))
        other.gone_ = np.concatenate([self.gone_, np.diff(items.offsets) == 0])
        return other

    def __call__(self, queries: RaggedVectors, *, keep: np.ndarray | None = None) -> Hits:
        keep = checked_keep(keep, len(fitted(self)))
        live = np.flatnonzero(~self.gone_ if keep is None else keep & ~self.gone_)
        return self.among(queries, np.broadcast_to(live, (len(queries), len(live))))

    def among(self, queries: RaggedVectors, rows: np.ndarray) -> Hits:
        """The k best of given candidates, int [q, c], -1 none; no row twice."""
        scores, k = self.score(queries, rows), min(self.k, len(self))
        rows = np.where(self.gone_[rows], -1, rows)
        short = max(k - rows.shape[1], 0)
        rows, scores = np.pad(rows, ((0, 0), (0, short)), constant_values=-1), np.pad(scores, ((0, 0), (0, short)))
        return best(scores, k, rows=rows, queries=queries.things, items=self.items_.things)  # type: ignore[union-attr]

    def score(self, queries: RaggedVectors, rows: np.ndarray) -> np.ndarray:
        rows, items = checked_candidates(rows, len(queries), len(self)), fitted(self).items_
        check_table(self, queries, RaggedVectors)
        check_dim(self, items.dim, queries.dim)
        scores, tokens = np.empty(rows.shape, np.float32), bits_of(items.rows)
        for query, (wanted, line) in enumerate(zip(rows, scores)):
            own = queries.of(query)
            chamfer(padded(own), len(own), tokens, items.offsets, wanted, line)
        return scores
