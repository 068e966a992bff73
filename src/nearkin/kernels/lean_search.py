"""A whole search of two-level codes in one compiled call: between calls a query asked alone would lose a third of its time."""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.graph_walk import walk
from nearkin.kernels.packed import aligned_room
from nearkin.kernels.two_levels import chosen, nearest, prepare, score

LANES = 4  # walks that take turns on one thread
BEGINNINGS = 4  # rows a walk starts from


@njit(cache=True, nogil=True)
def search(graph, queries, mean, asked, read, dim, window, rerank, rows, scores):  # type: ignore[no-untyped-def]
    """The k best items of each query: to rows int32 and scores float32 [q, k], padded; graph: packed, second, links, order, entries, gates.

    queries float32 [q, D], whose product with the mean is added to their scores; asked and read: to walk and to rank by, see `prepare`.
    """
    packed, second, links, order, entries, gates = graph
    count, width = len(asked), packed.shape[1]
    walking = aligned_room(count * 2 * width).reshape(count, 2 * width)
    sums, factors = np.empty(count, np.float32), np.empty((count, 3), np.float32)
    ranking = np.zeros((count, 2 * (width - 8) + read.shape[1] - dim), np.int16)
    prepare(asked, read, dim, walking, sums, ranking, factors)
    begin = np.empty((count, min(BEGINNINGS, len(entries))), np.int32)
    nearest(gates, np.arange(len(gates)), walking, sums, begin)
    for query in range(count):
        for place in range(begin.shape[1]):
            begin[query, place] = entries[begin[query, place]]
    ids, keys = np.empty((count, window), np.int32), np.empty((count, window), np.float32)
    walk(packed, links, walking, sums, begin, LANES, ids, keys, np.zeros(2, np.int64))
    candidates, ranked = np.ascontiguousarray(ids[:, :rerank]), np.empty((count, min(rerank, window)), np.float32)
    score(packed, second, ranking, factors, candidates, ranked)
    for query in range(count):
        shift = np.float32(0)
        for place in range(len(mean)):
            shift += queries[query, place] * mean[place]
        for place in range(ranked.shape[1]):
            ranked[query, place] += shift
    chosen(ranked, candidates, order, rows, scores)
