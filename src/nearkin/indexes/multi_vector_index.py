"""Search of bags of vectors by one vector each, then exactly."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.ball_carving import carved
from nearkin.indexes.chamfer_index import ChamferIndex
from nearkin.indexes.checks import check_dim, check_table, checked_keep
from nearkin.indexes.flat_index import FlatIndex
from nearkin.stage import Index, Projection, fitted, learned, with_k
from nearkin.tables import Catalog, Hits, RaggedVectors

SET_OUT = 50_000_000  # multiplications of Chamfer in the time that encoding a query and a flat search of encodings take at least: 4 to 5 ms


@dataclass(kw_only=True)
class MultiVectorIndex(Index):
    """Late interaction by way of fixed dimensional encodings: candidates by an inner product, then the exact Chamfer score of those.

    RaggedVectors[q, d] -> Hits[q, min(k, n)]. `encoding` makes one vector of each item and, by its `asking()`, of each query;
    `candidates`, any index over vectors, finds the max(rerank, k) nearest of these, and they are scored as `ChamferIndex` does, so only
    the choice of rows is approximate. With `tau` a query's vectors are first carved into balls (`carved`); scores are those of the sums.
    A query is answered exactly where that is less work: where its products with all live vectors are no more than those of the
    candidates, the encodings' and SET_OUT together. So small collections, short documents and narrow filters are searched exactly.
    Items may be a memory map, of which a search reads the candidates' rows. Cost: a search of the inner index and rerank * vectors an
    item * query vectors * d multiplications; memory that of the rows and of the inner index, and 4 * dim of the encoding an item to build.
    `add` encodes and adds, `remove` marks. An item without vectors is never a hit. Refused: another dim, rerank below 1.
    Source: Dhulipala et al., NeurIPS 2024 (MUVERA).
    """

    encoding: Projection
    candidates: Index = field(default_factory=FlatIndex)
    k: int = 10
    rerank: int = 100
    tau: float | None = None
    encoding_: Projection | None = learned()
    candidates_: Index | None = learned()
    exact_: ChamferIndex | None = learned()
    dim_: int | None = learned()  # of an encoding

    takes = RaggedVectors

    def __post_init__(self) -> None:
        if self.rerank < 1:
            raise BadInput(f"expected rerank >= 1, got {self.rerank}")

    def fit(self, items: RaggedVectors) -> Self:
        check_table(self, items, RaggedVectors)
        encoding: Any = copy(self.encoding)
        encoded = encoding.fit(items)(items)
        self.encoding_, self.exact_, self.dim_ = encoding, ChamferIndex().fit(items), encoded.dim
        self.candidates_ = copy(self.candidates).fit(encoded).remove(np.flatnonzero(self.exact_.gone_))
        return self

    def add(self, items: RaggedVectors) -> Self:
        other = copy(fitted(self))
        check_table(self, items, RaggedVectors)
        check_dim(self, self.exact_.items_.dim, items.dim)
        other.exact_ = self.exact_.add(items)
        other.candidates_ = self.candidates_.add(self.encoding_(items)).remove(np.flatnonzero(other.exact_.gone_))
        return other

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.exact_, other.candidates_ = self.exact_.remove(rows), self.candidates_.remove(rows)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).exact_)

    def __call__(self, queries: RaggedVectors, *, keep: np.ndarray | None = None) -> Hits:
        exact, keep = with_k(fitted(self).exact_, self.k), checked_keep(keep, len(self))
        check_table(self, queries, RaggedVectors)
        check_dim(self, exact.items_.dim, queries.dim)
        scored = queries if self.tau is None else carved(queries, self.tau)
        whole = self._less_work(np.diff(scored.offsets), self.exact_.gone_ if keep is None else self.exact_.gone_ | ~keep)
        first, rest = np.flatnonzero(whole), np.flatnonzero(~whole)
        among = exact.among(scored.take(rest), self._candidates(queries.take(rest), keep))
        return _side_by_side(first, exact(scored.take(first), keep=keep), rest, among, queries.things)

    def score(self, queries: RaggedVectors, rows: np.ndarray) -> np.ndarray:
        return fitted(self).exact_.score(queries if self.tau is None else carved(queries, self.tau), rows)

    def _less_work(self, lengths: np.ndarray, barred: np.ndarray) -> np.ndarray:
        """For queries of these lengths: whether scoring all live items takes fewer multiplications than the way by encodings, bool [q]."""
        items = self.exact_.items_  # type: ignore[union-attr]
        live = np.count_nonzero(~barred)
        vectors = np.diff(items.offsets)[~barred].sum()
        few = min(1.0, max(self.rerank, self.k) / max(live, 1))
        return lengths * items.dim * vectors * (1 - few) <= SET_OUT + live * self.dim_

    def _candidates(self, queries: RaggedVectors, keep: np.ndarray | None) -> np.ndarray:
        """Rows to be scored, int32 [q, c]."""
        if not len(queries):
            return np.empty((0, 0), np.int32)
        asked = self.encoding_.asking()(queries)  # type: ignore[union-attr]
        return with_k(self.candidates_, max(self.rerank, self.k))(asked, keep=keep).rows


def _side_by_side(first: np.ndarray, left: Hits, rest: np.ndarray, right: Hits, queries: Catalog | None) -> Hits:
    """The hits of some queries and those of the others, each in its place."""
    order = np.argsort(np.concatenate([first, rest]))
    rows, scores = np.concatenate([left.rows, right.rows])[order], np.concatenate([left.scores, right.scores])[order]
    return Hits(rows, scores, queries, left.items)
