"""How queries are answered from the graph of a LeanIndex: a walk by short codes, or a scan of them, ranked by the longer codes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nearkin.indexes.lean_graph import Graph
from nearkin.indexes.lean_maps import Maps
from nearkin.kernels.graph_walk import walk
from nearkin.kernels.lean_search import BEGINNINGS, LANES, search
from nearkin.kernels.packed import aligned
from nearkin.kernels.two_levels import chosen, nearest, prepare, score

LEAST_LIVE = 0.2  # share of rows that a filter must leave for the walk to be the better way


class Answering(NamedTuple):
    """A graph, the maps of its queries, and how deep to look: window and rerank, and the k they are for.

    Queries are float32 [q, D]; `barred`, bool [n] by row of the graph, marks what may not be a hit; what is found is written to rows
    (int32, of items) and scores (float32), both [q, k].
    """

    graph: Graph
    maps: Maps
    settings: tuple[int, int, int]

    def best(
        self, queries: np.ndarray, barred: np.ndarray | None, rows: np.ndarray, scores: np.ndarray, tuned_k: int | None = None
    ) -> None:
        """The best of each query; looked for as deep as for `tuned_k` of them where that is given."""
        k, size, maps = rows.shape[1], len(self.graph.order), self.maps
        window, rerank = (max(each, k) for each in self._stretched(tuned_k or k))
        if barred is None and 2 * window <= size:
            asked, read = maps.asked(queries)
            search(self._parts, queries, maps.mean, asked, read, maps.dim, window, min(rerank, window), rows, scores)
            return
        turned = Asked(maps, queries)
        live = size if barred is None else size - int(np.count_nonzero(barred))
        if live < LEAST_LIVE * size or 2 * window > live:
            candidates = self._scanned(turned, barred, rerank)
        else:
            candidates = self._walked(turned, barred, int(window * size / live), rerank)
            short = np.flatnonzero((candidates[:, :k] < 0).any(1)) if barred is not None else ()
            if len(short):
                candidates[short] = self._scanned(turned.take(short), barred, rerank)
        chosen(self._ranked(turned, candidates), candidates, self.graph.order, rows, scores)

    def best_less(self, gone: np.ndarray, queries: np.ndarray, barred: np.ndarray, rows: np.ndarray, scores: np.ndarray) -> None:
        """Where few items are gone (bool, by item): the best of all, some more than k, less those; queries left with too few ask again."""
        k, size = rows.shape[1], len(barred)
        wide = k + 4 + int(3 * k * np.count_nonzero(barred) / size)
        if 4 * wide > size or wide > 2 * k + 4:
            self.best(queries, barred, rows, scores)
            return
        found, reached = np.empty((len(rows), wide), np.int32), np.empty((len(rows), wide), np.float32)
        self.best(queries, None, found, reached, k)
        absent = (found < 0) | gone[found]
        stays = np.argsort(absent, axis=1, kind="stable")[:, :k]
        rows[:], scores[:] = np.take_along_axis(found, stays, 1), np.take_along_axis(reached, stays, 1)
        short = np.flatnonzero(np.take_along_axis(absent, stays, 1).any(1))
        if len(short):
            again, better = rows[short], scores[short]
            self.best(queries[short], barred, again, better)
            rows[short], scores[short] = again, better

    def scores_of(self, queries: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The scores of given rows of the graph, [q, c] (-1: none, -inf)."""
        return self._ranked(Asked(self.maps, queries), places)

    def _stretched(self, k: int) -> tuple[int, int]:
        window, rerank, tuned_for = self.settings
        return max(-(-window * k // tuned_for), k), max(-(-rerank * k // tuned_for), k)

    def _walked(self, asked: Asked, barred: np.ndarray | None, window: int, count: int) -> np.ndarray:
        """The best `count` rows of walks that are not barred: int32 [q, count], -1 pads."""
        begin = np.empty((len(asked), min(BEGINNINGS, len(self.graph.entries))), np.int32)
        nearest(self.graph.gates, np.arange(len(self.graph.gates)), asked.walking, asked.sums, begin)
        begin = self.graph.entries[begin]
        ids, keys = np.empty((len(asked), max(window, count)), np.int32), np.empty((len(asked), max(window, count)), np.float32)
        walk(self.graph.packed, self.graph.links, asked.walking, asked.sums, begin, LANES, ids, keys, np.zeros(2, np.int64))
        if barred is not None:
            ids[barred[ids] | (ids < 0)] = -1
            ids = np.take_along_axis(ids, np.argsort(ids < 0, axis=1, kind="stable"), 1)
        return np.ascontiguousarray(ids[:, :count])

    def _scanned(self, asked: Asked, barred: np.ndarray | None, count: int) -> np.ndarray:
        """The best `count` rows of all that are not barred: int32 [q, count], -1 pads."""
        live = np.arange(len(self.graph.order), dtype=np.int32) if barred is None else np.flatnonzero(~barred).astype(np.int32)
        ids = np.empty((len(asked), count), np.int32)
        nearest(self.graph.packed, live, asked.walking, asked.sums, ids)
        return ids

    def _ranked(self, asked: Asked, candidates: np.ndarray) -> np.ndarray:
        scores = np.empty(candidates.shape, np.float32)
        score(self.graph.packed, self.graph.second, asked.ranking, asked.factors, candidates, scores)
        shifted: np.ndarray = scores + asked.shifts[:, None]
        return shifted

    @property
    def _parts(self) -> tuple[np.ndarray, ...]:
        graph = self.graph
        return graph.packed, graph.second, graph.links, graph.order, graph.entries, graph.gates


class Asked:
    """Queries turned into integers, to walk by and to rank by."""

    def __init__(self, maps: Maps, queries: np.ndarray) -> None:
        self.walking = aligned((len(queries), 2 * maps.width), np.int8)
        self.sums = np.empty(len(queries), np.float32)
        self.ranking = np.zeros((len(queries), maps.ranked), np.int16)
        self.factors = np.empty((len(queries), 3), np.float32)
        prepare(*maps.asked(queries), maps.dim, self.walking, self.sums, self.ranking, self.factors)
        self.shifts = queries @ maps.mean

    def __len__(self) -> int:
        return len(self.walking)

    def take(self, rows: np.ndarray) -> Asked:
        other = object.__new__(Asked)
        for name, value in vars(self).items():
            setattr(other, name, np.ascontiguousarray(value[rows]))
        return other
