"""Loops that make posting lists: from rows, from two sets of lists, from a set with some items removed.

Layout: term t owns `items[offsets[t]:offsets[t + 1]]`, uint32 and rising, and the counts at the same places.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.indexes.ranked import keep_largest

LEVELS = (10, 100, 1000)  # for each term the weight that so many of its items reach is kept


@njit(cache=True, nogil=True)
def largest(offsets, weights):  # type: ignore[no-untyped-def]
    """For each term the LEVELS-th largest of its weights, 0 where it has fewer: float32 [v, levels]."""
    floors = np.zeros((len(offsets) - 1, len(LEVELS)), np.float32)
    bits = floors.view(np.uint32)
    for term in range(len(offsets) - 1):
        size = offsets[term + 1] - offsets[term]
        if size >= LEVELS[0]:
            keys = weights[offsets[term] : offsets[term + 1]].view(np.uint32).astype(np.uint64)
            for level in range(len(LEVELS) - 1, -1, -1):
                if size >= LEVELS[level]:
                    keep_largest(keys, size, LEVELS[level])
                    bits[term, level] = keys[LEVELS[level] - 1]
                    size = LEVELS[level]
    return floors


@njit(cache=True, nogil=True)
def transposed(starts, columns, values, dim):  # type: ignore[no-untyped-def]
    """Rows in CSR form to lists: offsets int64 [v + 1], items uint32 and values in the order of the terms, items rising."""
    offsets = np.zeros(dim + 1, np.int64)
    for column in columns:
        offsets[column + 1] += 1
    offsets = np.cumsum(offsets)
    heads = offsets[:-1].copy()
    items, turned = np.empty(len(columns), np.uint32), np.empty(len(columns), values.dtype)
    for row in range(len(starts) - 1):
        for place in range(starts[row], starts[row + 1]):
            head = heads[columns[place]]
            items[head], turned[head] = row, values[place]
            heads[columns[place]] = head + 1
    return offsets, items, turned


@njit(cache=True, nogil=True)
def joined(left, left_items, left_counts, right, right_items, right_counts, shift):  # type: ignore[no-untyped-def]
    """Two sets of lists as one, the items of the right one after those of the left; terms that the left lacks are new."""
    offsets = right.copy()
    offsets[: len(left)] += left
    offsets[len(left) :] += left[-1]
    items, counts = np.empty(offsets[-1], np.uint32), np.empty(offsets[-1], left_counts.dtype)
    for term in range(len(right) - 1):
        head = offsets[term]
        if term < len(left) - 1:
            middle = head + left[term + 1] - left[term]
            items[head:middle] = left_items[left[term] : left[term + 1]]
            counts[head:middle] = left_counts[left[term] : left[term + 1]]
            head = middle
        for place in range(right[term], right[term + 1]):
            items[head], counts[head] = right_items[place] + shift, right_counts[place]
            head += 1
    return offsets, items, counts


@njit(cache=True, nogil=True)
def without(offsets, items, counts, gone):  # type: ignore[no-untyped-def]
    """The lists without the items where `gone` (bool [n]) is true."""
    kept, kept_items, kept_counts = np.zeros_like(offsets), np.empty_like(items), np.empty_like(counts)
    head = 0
    for term in range(len(offsets) - 1):
        for place in range(offsets[term], offsets[term + 1]):
            if not gone[items[place]]:
                kept_items[head], kept_counts[head] = items[place], counts[place]
                head += 1
        kept[term + 1] = head
    return kept, kept_items[:head].copy(), kept_counts[:head].copy()
