"""Search of bags of vectors by the vectors on their own: what fixed dimensional encodings are measured against."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.chamfer_index import ChamferIndex
from nearkin.indexes.checks import check_dim, check_table, checked_keep
from nearkin.indexes.flat_index import FlatIndex
from nearkin.stage import Index, fitted, learned, with_k
from nearkin.tables import Hits, RaggedVectors, Vectors


@dataclass(kw_only=True)
class SingleVectorHeuristic(Index):
    """Late interaction by way of its vectors: the items that own the `each` nearest vectors of any query vector, then exact scores.

    RaggedVectors[q, d] -> Hits[q, min(k, n)]. `vectors`, any index over vectors, holds those of all items. Its hits are merged, each item
    once, and all of them scored as `ChamferIndex` does. Where they are fewer than k live items, the query is scored against all.
    Cost: a search a query vector, and up to each * query vectors items scored; memory that of the inner index and of the rows.
    Refused: another dim, each below 1.
    Source: the candidate search of ColBERT (Khattab and Zaharia, 2020), called single-vector heuristic in MUVERA.
    """

    vectors: Index = field(default_factory=FlatIndex)
    k: int = 10
    each: int = 100
    vectors_: Index | None = learned()
    exact_: ChamferIndex | None = learned()

    takes = RaggedVectors

    def __post_init__(self) -> None:
        if self.each < 1:
            raise BadInput(f"expected each >= 1, got {self.each}")

    def fit(self, items: RaggedVectors) -> Self:
        check_table(self, items, RaggedVectors)
        self.exact_ = ChamferIndex().fit(items)
        self.vectors_ = copy(self.vectors).fit(Vectors(items.rows))
        return self

    def add(self, items: RaggedVectors) -> Self:
        other = copy(fitted(self))
        other.exact_ = self.exact_.add(items)
        other.vectors_ = self.vectors_.add(Vectors(items.rows))
        return other

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.exact_ = self.exact_.remove(rows)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).exact_)

    def __call__(self, queries: RaggedVectors, *, keep: np.ndarray | None = None) -> Hits:
        exact, keep = with_k(fitted(self).exact_, self.k), checked_keep(keep, len(self))
        live = ~exact.gone_ if keep is None else keep & ~exact.gone_
        found = self.candidates(queries, keep=keep)
        wanted = min(self.k, np.count_nonzero(live))
        found = [each if len(each) >= wanted else np.flatnonzero(live) for each in found]
        rows = np.full((len(queries), max(map(len, found), default=0)), -1)
        for line, each in zip(rows, found):
            line[: len(each)] = each
        return exact.among(queries, rows)

    def candidates(self, queries: RaggedVectors, *, keep: np.ndarray | None = None) -> list[np.ndarray]:
        """For each query the rows of live items that own a vector found, rising: int64 [c]."""
        held = fitted(self).exact_
        check_table(self, queries, RaggedVectors)
        check_dim(self, held.items_.dim, queries.dim)
        live = ~held.gone_ if keep is None else keep & ~held.gone_
        lengths = np.diff(held.items_.offsets)
        hits = with_k(self.vectors_, self.each)(Vectors(queries.rows), keep=np.repeat(live, lengths))
        owners = np.where(hits.rows >= 0, np.repeat(np.arange(len(self)), lengths)[hits.rows], -1)
        parts = [np.unique(owners[start:stop]) for start, stop in zip(queries.offsets, queries.offsets[1:])]
        return [each[each >= 0] for each in parts]

    def score(self, queries: RaggedVectors, rows: np.ndarray) -> np.ndarray:
        return fitted(self).exact_.score(queries, rows)
