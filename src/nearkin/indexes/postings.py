"""Loops over posting lists: for each term the items that hold it, rising, and its weight in each.

Layout: term t owns `items[offsets[t]:offsets[t + 1]]` (uint32) and the weights at the same places (float32). Items are scored a range of
65,536 at a time, so that the sums stay in the second-level cache. The sum of an item adds its terms in the order of the query's
columns and in float32, in `search` and `score` alike, so both give the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.indexes.ranked import keep_largest, key_of, push, row_of, sort_falling

RANGE = 65_536
STRIDE = 16  # items a block; block b of nb is {b, b + nb, b + 2 nb, ...}, so that all maxima are taken by whole-vector operations
SPARSE = 12  # with fewer than one posting in so many items, reading the postings again beats a scan of all sums (measured)


@njit(cache=True, nogil=True)
def search(starts, columns, values, shifts, offsets, items, weights, keep, size, k):  # type: ignore[no-untyped-def]
    """The k best items of each query in CSR form: rows int32 [q, k] (-1 pads) and scores float32 [q, k] (-inf there).

    shifts: float32 [q], added to every score; keep: bool [n] or empty, only these items. Items whose sum is 0 are no hits.
    """
    rows = np.full((len(starts) - 1, k), -1, np.int32)
    scores = np.full((len(starts) - 1, k), -np.inf, np.float32)
    sums, blocks = np.zeros(RANGE, np.float32), np.empty(RANGE // STRIDE, np.float32)
    keys, tops = np.empty(max(4 * k, 1024), np.uint64), np.empty(max(4 * k, 1024), np.uint64)
    cell = np.empty(1, np.float32)
    for query in range(len(starts) - 1):
        first, last = starts[query], starts[query + 1]
        places = offsets[columns[first:last]]
        count, floor = 0, np.uint64(0)
        for base in range(0, size, RANGE):
            width = min(RANGE, size - base)
            ends = _ends(places, columns[first:last], offsets, items, base + RANGE, size)
            total = _add_up(places, ends, values[first:last], items, weights, base, sums)
            if total == 0:
                continue
            if total * SPARSE < width:
                count, floor = _from_lists(places, ends, items, base, sums, keep, shifts[query], keys, count, floor, k, cell)
            else:
                _mask(sums, keep, base, width)
                count, floor = _from_sums(sums, width, base, blocks, tops, shifts[query], keys, count, floor, k, cell)
            places = ends
        _write(keys, count, k, rows[query], scores[query], cell)
    return rows, scores


@njit(cache=True, nogil=True)
def _ends(places, columns, offsets, items, bound, size):  # type: ignore[no-untyped-def]
    """Where each list, read up to `places`, reaches the first item at or above the bound."""
    ends = offsets[columns + 1]
    if bound < size:
        for term in range(len(places)):
            low, high = places[term], ends[term]
            while low < high:
                middle = (low + high) >> 1
                if items[middle] < bound:
                    low = middle + 1
                else:
                    high = middle
            ends[term] = low
    return ends


@njit(cache=True, nogil=True)
def _add_up(places, ends, values, items, weights, base, sums):  # type: ignore[no-untyped-def]
    """Add the weights of all lists between `places` and `ends` to the sums; gives the number of postings read."""
    total, base = 0, np.uint32(base)
    for term in range(len(places)):
        value = values[term]
        for place in range(places[term], ends[term]):
            sums[np.uint32(items[place] - base)] += value * weights[place]
        total += ends[term] - places[term]
    return total


@njit(cache=True, nogil=True)
def _mask(sums, keep, base, width):  # type: ignore[no-untyped-def]
    if len(keep):
        for local in range(width):
            sums[local] *= np.float32(keep[base + local])


@njit(cache=True, nogil=True)
def _from_lists(places, ends, items, base, sums, keep, shift, keys, count, floor, k, cell):  # type: ignore[no-untyped-def]
    """Candidates found by reading the lists again; each sum is put back to 0 when first met, so no item is taken twice."""
    bits = cell.view(np.uint32)
    for term in range(len(places)):
        for place in range(places[term], ends[term]):
            local = np.uint32(items[place] - np.uint32(base))
            value = sums[local]
            if value > 0:
                sums[local] = 0
                cell[0] = value + shift
                key = key_of(bits[0], items[place])
                if key > floor and (len(keep) == 0 or keep[items[place]]):
                    count, floor = push(keys, count, floor, key, k)
    return count, floor


@njit(cache=True, nogil=True)
def _from_sums(sums, width, base, blocks, tops, shift, keys, count, floor, k, cell):  # type: ignore[no-untyped-def]
    """Candidates found by looking at all sums, by way of the maxima of blocks; the sums are put back to 0.

    The k-th largest maximum is a score that k items reach, so only blocks that reach it, and in them only items that do, can
    hold hits.
    """
    bits = cell.view(np.uint32)
    number = (width + STRIDE - 1) // STRIDE
    _block_maxima(sums, number, blocks)
    least = _reached_by(blocks, number, tops, shift, floor, k, cell)
    for block in range(number):
        if blocks[block] > 0 and blocks[block] + shift >= least:
            for local in range(block, number * STRIDE, number):
                value = sums[local]
                if value > 0 and value + shift >= least:
                    cell[0] = value + shift
                    key = key_of(bits[0], base + local)
                    if key > floor:
                        count, floor = push(keys, count, floor, key, k)
    sums[: number * STRIDE] = 0
    return count, floor


@njit(cache=True, nogil=True)
def _block_maxima(sums, number, blocks):  # type: ignore[no-untyped-def]
    """The maximum of each block; as integers, which for floats >= 0 order alike, because only those become vector operations (5x)."""
    tops = blocks[:number].view(np.int32)
    tops[:] = sums[:number].view(np.int32)
    for stride in range(1, STRIDE):
        values = sums[stride * number : (stride + 1) * number].view(np.int32)
        for block in range(len(tops)):
            tops[block] = max(tops[block], values[block])


@njit(cache=True, nogil=True)
def _reached_by(blocks, number, tops, shift, floor, k, cell):  # type: ignore[no-untyped-def]
    """A score that at least k items reach: the k-th largest block maximum, or what the floor says; 0 when neither is known."""
    bits = cell.view(np.uint32)
    bits[0] = np.uint32(floor >> np.uint64(32))
    least = cell[0]
    if 4 * k > number:
        return least
    count, edge = 0, np.uint64(0)
    for block in range(number):
        if blocks[block] > 0 and blocks[block] + shift >= least:
            cell[0] = blocks[block] + shift
            key = key_of(bits[0], block)
            if key > edge:
                count, edge = push(tops, count, edge, key, k)
    if count >= k:
        keep_largest(tops, count, k)
        bits[0] = np.uint32(tops[k - 1] >> np.uint64(32))
        least = max(least, cell[0])
    return least


@njit(cache=True, nogil=True)
def _write(keys, count, k, rows, scores, cell):  # type: ignore[no-untyped-def]
    """The k best of the buffer, in order, as rows and scores."""
    bits = cell.view(np.uint32)
    if count > k:
        keep_largest(keys, count, k)
        count = k
    sort_falling(keys, count)
    for place in range(count):
        bits[0] = np.uint32(keys[place] >> np.uint64(32))
        rows[place], scores[place] = row_of(keys[place]), cell[0]


@njit(cache=True, nogil=True)
def score(starts, columns, values, offsets, items, weights, rows):  # type: ignore[no-untyped-def]
    """The sums of given items, int [q, c] with -1 for none -> float32 [q, c]; one binary search a term and item."""
    sums = np.zeros(rows.shape, np.float32)
    for query in range(len(rows)):
        for term in range(starts[query], starts[query + 1]):
            first, last = offsets[columns[term]], offsets[columns[term] + 1]
            for place in range(rows.shape[1]):
                if rows[query, place] >= 0:
                    found = _find(items, first, last, rows[query, place])
                    if found < last and items[found] == rows[query, place]:
                        sums[query, place] += values[term] * weights[found]
    return sums


@njit(cache=True, nogil=True)
def _find(items, low, high, item):  # type: ignore[no-untyped-def]
    """The first place in items[low:high] that holds this item or a later one."""
    while low < high:
        middle = (low + high) >> 1
        if items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low


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
