"""Near neighbours by walking a graph of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_dim, check_table, checked_keep
from nearkin.indexes.flat_index import FlatIndex
from nearkin.kernels.by_faiss import OneThread, load_faiss
from nearkin.stage import Index, fitted, learned
from nearkin.tables import Hits, Vectors, best


@dataclass(kw_only=True)
class GraphIndex(Index):
    """Approximate search by inner product over a hierarchical graph (HNSW), with exact search where that is the better answer.

    Vectors[q, d] -> Hits[q, min(k, n)]; scores are exact, as in `FlatIndex`, only the choice of rows is approximate.
    A search is exact when at most `scan_below` items are live, when a filter and removals leave less than a tenth of them, and for each
    query whose walk comes back with fewer than k. So k hits are found whenever k items are kept.
    Cost: a query about `window` * `links` products; build n * `building` * `links`, on one thread, so that a seed has one answer.
    Memory an item: 4 d in the graph, 8 * `links` for its edges, d + 9 for the scan, and the rows given (which may be a memory map).
    `add` copies the graph and inserts; `remove` marks, and fitting the live items again gives the room back.
    Refused: another dim. Needs the package faiss-cpu.
    Source: Malkov and Yashunin, 2016 (HNSW), by faiss.
    """

    k: int = 10
    links: int = 16  # edges an item and layer; twice as many in the lowest layer
    building: int = 100  # candidates looked at while inserting
    window: int = 100  # candidates kept while searching; more finds more and takes longer
    scan_below: int = 10_000  # up to so many live items the scan is as fast as the walk (benches/graph_index.py), and exact
    seed: int = 0
    exact_: FlatIndex | None = learned()
    graph_: Any = learned()  # faiss.IndexHNSWFlat

    def __post_init__(self) -> None:
        if self.links < 2 or self.building < 1 or self.window < 1:
            raise BadInput(f"expected links >= 2, building and window >= 1; got {self.links}, {self.building}, {self.window}")

    def fit(self, items: Vectors) -> Self:
        self.exact_ = FlatIndex().fit(items)
        self.graph_ = load_faiss().IndexHNSWFlat(max(items.dim, 1), self.links, load_faiss().METRIC_INNER_PRODUCT)
        self.graph_.hnsw.efConstruction = self.building
        self._insert(items.rows)
        return self

    def add(self, items: Vectors) -> Self:
        other = copy(fitted(self))
        other.exact_ = other.exact_.add(items)
        other.graph_ = load_faiss().clone_index(self.graph_)
        other._insert(items.rows)
        return other

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.exact_ = other.exact_.remove(rows)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).exact_)

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        exact = copy(fitted(self).exact_)
        exact.k, keep = self.k, checked_keep(keep, len(self))
        barred = exact.gone_ if keep is None else exact.gone_ | ~keep
        live = len(self) - np.count_nonzero(barred)
        if live <= max(self.scan_below, self.k, len(self) // 10):
            return exact(queries, keep=keep)
        check_table(self, queries, Vectors)
        check_dim(self, exact.items_.dim, queries.dim)
        rows = self._walk(np.ascontiguousarray(queries.rows, np.float32), barred)
        hits = best(exact.score(queries, rows), self.k, rows=rows, queries=queries.things, items=exact.items_.things)
        short = np.flatnonzero((hits.rows < 0).any(axis=1))
        return hits if not len(short) else _replaced(hits, short, exact(queries.take(short), keep=keep))

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        return fitted(self).exact_.score(queries, rows)

    def _walk(self, queries: np.ndarray, barred: np.ndarray) -> np.ndarray:
        """Candidates of each query, int64 [q, 2 k or window], -1 pads."""
        faiss, wanted = load_faiss(), min(max(2 * self.k, self.k + 10), len(self))
        selector = faiss.IDSelectorBitmap(np.packbits(~barred, bitorder="little")) if barred.any() else None
        settings = faiss.SearchParametersHNSW(efSearch=max(self.window, wanted), sel=selector)
        with OneThread():
            return self.graph_.search(queries, wanted, params=settings)[1]

    def _insert(self, rows: np.ndarray) -> None:
        faiss, graph = load_faiss(), self.graph_
        graph.hnsw.rng = faiss.RandomGenerator(self.seed + graph.ntotal)  # drawn anew, for a graph from disk to grow like one in memory
        with OneThread():
            for start in range(0, len(rows), 65_536):
                graph.add(np.ascontiguousarray(rows[start : start + 65_536], np.float32))

    def state(self) -> dict[str, Any]:
        graph = None if self.graph_ is None else load_faiss().serialize_index(self.graph_, load_faiss().IO_FLAG_SKIP_STORAGE)
        return {"exact_": self.exact_, "graph_": graph}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.exact_, graph = state["exact_"], state["graph_"]
        if graph is None:
            return
        faiss, rows = load_faiss(), self.exact_.items_.rows
        self.graph_ = faiss.deserialize_index(np.array(graph))
        storage = faiss.IndexFlatIP(max(rows.shape[1], 1))
        for start in range(0, len(rows), 65_536):
            storage.add(np.ascontiguousarray(rows[start : start + 65_536], np.float32))
        self.graph_.storage, self.graph_.own_fields = storage, True
        storage.this.disown()  # the graph owns it now


def _replaced(hits: Hits, places: np.ndarray, others: Hits) -> Hits:
    """Hits in which the queries at these places have other hits."""
    rows, scores = hits.rows.copy(), hits.scores.copy()
    rows[places], scores[places] = others.rows, others.scores
    return Hits(rows, scores, hits.queries, hits.items)
