"""Loops over posting lists: for each term the items that hold it, rising, and its weight in each.

Layout: term t owns `items[offsets[t]:offsets[t + 1]]` (uint32) and the weights at the same places (float32). Items are scored a range of
65,536 at a time, so that the sums stay in the second-level cache. The sum of an item adds its terms in the order of the query's
columns and in float32, in `search` and `score` alike, so both give the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.indexes.posting_lists import LEVELS
from nearkin.indexes.ranked import keep_largest, key_of, push, row_of, sort_falling

RANGE = 65_536
BINS = 1024
STRIDE = 16  # items a block; block b of nb is {b, b + nb, b + 2 nb, ...}, so that all maxima are taken by whole-vector operations
SPARSE = 12  # with fewer than one posting in so many items, reading the postings again beats a scan of all sums (measured)


@njit(cache=True, nogil=True)
def search(starts, columns, values, shifts, offsets, items, weights, floors, keep, size, k):  # type: ignore[no-untyped-def]
    """The k best items of each query in CSR form: rows int32 [q, k] (-1 pads) and scores float32 [q, k] (-inf there).

    shifts: float32 [q], added to every score; keep: bool [n] or empty, only these items. Items whose sum is 0 are no hits.
    floors: what `largest` gave for LEVELS; a query starts with the best of its terms' floors, for k items reach that score.
    """
    rows = np.full((len(starts) - 1, k), -1, np.int32)
    scores = np.full((len(starts) - 1, k), -np.inf, np.float32)
    sums, blocks = np.zeros(RANGE, np.float32), np.empty(RANGE // STRIDE, np.float32)
    keys, tops = np.empty(max(4 * k, 64), np.uint64), np.empty(max(4 * k, 64), np.uint64)
    cell = np.empty(1, np.float32)
    for query in range(len(starts) - 1):
        first, last = starts[query], starts[query + 1]
        places = offsets[columns[first:last]]
        count, floor = 0, np.uint64(0)
        if len(keep) == 0:
            floor = _first_floor(columns[first:last], values[first:last], floors, shifts[query], k, cell)
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
def _first_floor(columns, values, floors, shift, k, cell):  # type: ignore[no-untyped-def]
    """The lowest key of a score that k items reach by one term alone; 0 when no term has so many."""
    cell[0] = 0
    for level in range(len(LEVELS)):
        if k <= LEVELS[level]:
            for term in range(len(columns)):
                cell[0] = max(cell[0], values[term] * floors[columns[term], level])
            break
    if cell[0] == 0:
        return np.uint64(0)
    cell[0] += shift
    return np.uint64(cell.view(np.uint32)[0]) << np.uint64(32)


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
    base, least = np.uint32(base), _score_of(floor, cell)
    for term in range(len(places)):
        for place in range(places[term], ends[term]):
            local = np.uint32(items[place] - base)
            value = sums[local]
            sums[local] = 0
            if value > 0 and value + shift >= least and (len(keep) == 0 or keep[items[place]]):
                count, floor = _offer(value + shift, items[place], keys, count, floor, k, cell)
                least = _score_of(floor, cell)
    return count, floor


@njit(cache=True, nogil=True)
def _from_sums(sums, width, base, blocks, tops, shift, keys, count, floor, k, cell):  # type: ignore[no-untyped-def]
    """Candidates found by looking at all sums, which are put back to 0.

    Where k items are known to reach a score, only blocks that reach it, and in them only items that do, can hold hits.
    """
    number = (width + STRIDE - 1) // STRIDE
    _block_maxima(sums, number, blocks)
    if 4 * k > number:
        least = _histogram_edge(sums[:width], blocks[:number].max(), shift, floor, k, cell)
        for local in range(width):
            if sums[local] > 0 and sums[local] + shift >= least:
                count, floor = _offer(sums[local] + shift, base + local, keys, count, floor, k, cell)
    else:
        least = _kth_block(blocks, number, tops, shift, floor, k, cell)
        for block in range(number):
            if blocks[block] > 0 and blocks[block] + shift >= least:
                for stride in range(STRIDE):
                    local = block + stride * number
                    if sums[local] > 0 and sums[local] + shift >= least:
                        count, floor = _offer(sums[local] + shift, base + local, keys, count, floor, k, cell)
    sums[: number * STRIDE] = 0
    return count, floor


@njit(cache=True, nogil=True)
def _offer(score, item, keys, count, floor, k, cell):  # type: ignore[no-untyped-def]
    """Take an item as a candidate if its key is above the floor."""
    cell[0] = score
    key = key_of(cell.view(np.uint32)[0], item)
    if key > floor:
        count, floor = push(keys, count, floor, key, k)
    return count, floor


@njit(cache=True, nogil=True)
def _score_of(key, cell):  # type: ignore[no-untyped-def]
    """The score in a key."""
    cell.view(np.uint32)[0] = np.uint32(key >> np.uint64(32))
    return cell[0]


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
def _kth_block(blocks, number, tops, shift, floor, k, cell):  # type: ignore[no-untyped-def]
    """A score that at least k items reach: the k-th largest block maximum, or that of the floor."""
    bits, least, count, edge = cell.view(np.uint32), _score_of(floor, cell), 0, np.uint64(0)
    for block in range(number):
        if blocks[block] > 0 and blocks[block] + shift >= least:
            cell[0] = blocks[block] + shift
            key = key_of(bits[0], block)
            if key > edge:
                count, edge = push(tops, count, edge, key, k)
    if count >= k:
        keep_largest(tops, count, k)
        least = max(least, _score_of(tops[k - 1], cell))
    return least


@njit(cache=True, nogil=True)
def _histogram_edge(sums, most, shift, floor, k, cell):  # type: ignore[no-untyped-def]
    """A score that at least k items reach: the lower edge of a bin of a histogram of the sums, or that of the floor."""
    least, counts = _score_of(floor, cell), np.zeros(BINS, np.int32)
    if most <= 0:
        return least
    scale = np.float32(BINS - 1) / most
    for value in sums:
        counts[np.uint32(value * scale)] += 1
    total, edge = counts[BINS - 1], BINS - 1
    while edge > 0 and total < k:
        edge -= 1
        total += counts[edge]
    return max(least, np.float32(edge / scale * 0.999999) + shift)  # a little less, for the product above was rounded


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
