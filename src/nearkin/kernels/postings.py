"""Loops over posting lists: the best items for many queries, and the scores of given items.

A table of lists, int64 [ranges, 6], says for each range of 65,536 items where its arrays lie: offsets (uint32), number of terms,
places (uint16), values, bytes a value (1, 2: codes in uint8, uint16, gains by way of a table; 4: gains in float32), number of items.
The layout of the lists is that of `posting_lists`.

The score of an item is its query's shift plus the sum, in float32, of (query value * rarity) * gain over the query's terms, the rarest
first, of equally rare ones the lower column; `search` and `score` add alike and so give the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import carray, njit

from nearkin.kernels.addresses import pointer
from nearkin.kernels.largest_sums import STRIDE, bits_of, from_sums, kept, least_sum, take
from nearkin.kernels.posting_lists import RANGE
from nearkin.kernels.ranked import BINS, keep_largest, key_of, row_of, sort_falling, take_ordered

SPARSE = 12  # with fewer than one posting in so many items, reading the postings again beats a scan of all sums (measured)
STATE = 1 << 18  # keys kept for a group of queries that go through a range one after another, which then stays in the cache
ORDERED_BY_BINS = 64  # of more keys, a histogram finds and orders the largest faster than a selection and a sort
FLOAT32, UINT32 = np.float32, np.uint32


@njit(cache=True, nogil=True)
def search(starts, columns, values, rarity, lacks, floors, level, lists, table, dead, keep, k, sums, found, rows, scores):  # type: ignore[no-untyped-def]
    """The k best items of each query in CSR form into rows int32 [q, k] (-1 pads) and scores float32 [q, k] (-inf there).

    rarity, lacks: float32 [v]; floors: float32 [v, levels], of which the gain at `level` is reached by k items that may be hits (-1: none);
    table: float32, gains by code; dead: int64, rising, rows that are no hits; keep: bool [n] or empty, only these items; sums: float32
    [RANGE], zeros, and left so; found: uint64 [RANGE], room. Items whose sum is 0 are no hits.
    """
    terms, scales, shifts = _prepared(starts, columns, values, rarity, lacks)
    room = max(4 * k, 64)
    group = max(min(max(STATE // room, 16), len(starts) - 1), 1)
    keys, counts, edges = np.empty((group, room), np.uint64), np.zeros(group, np.int64), np.zeros(group, np.uint64)
    spare = found if room <= len(found) else np.empty(room, np.uint64)
    work = (
        np.zeros(RANGE // STRIDE + STRIDE, np.int32),
        np.empty(RANGE // STRIDE // STRIDE, np.int32),
        np.empty(BINS + 1, np.int32),
        found,
    )
    for first in range(0, len(starts) - 1, group):
        last = min(first + group, len(starts) - 1)
        for query in range(first, last):
            own = slice(starts[query], starts[query + 1])
            counts[query - first], edges[query - first] = 0, _first_edge(terms[own], scales[own], floors, level, shifts[query])
        for part in range(len(lists)):
            for query in range(first, last):
                own, slot = slice(starts[query], starts[query + 1]), query - first
                counts[slot], edges[slot] = _search_range(
                    terms[own], scales[own], shifts[query], lists[part], part * RANGE, table, dead, keep, k,
                    sums, keys[slot], counts[slot], edges[slot], work,
                )  # fmt: skip
        for query in range(first, last):
            _write(keys[query - first], counts[query - first], k, spare, work[2], rows[query], scores[query])


@njit(cache=True, nogil=True)
def _prepared(starts, columns, values, rarity, lacks):  # type: ignore[no-untyped-def]
    """Terms of each query, the rarest first, and what their gains are multiplied by; those that add nothing come last with 0."""
    terms, scales, shifts = columns.astype(np.uint32), np.empty(len(columns), FLOAT32), np.zeros(len(starts) - 1, FLOAT32)
    for query in range(len(starts) - 1):
        first = starts[query]
        for place in range(first, starts[query + 1]):
            term, gap = UINT32(columns[place]), place
            shifts[query] += values[place] * lacks[term]
            scale = values[place] * rarity[term]
            while gap > first and rarity[terms[gap - 1]] < rarity[term]:
                terms[gap], scales[gap] = terms[gap - 1], scales[gap - 1]
                gap -= 1
            terms[gap], scales[gap] = term, scale
    return terms, scales, shifts


@njit(cache=True, nogil=True)
def _first_edge(terms, scales, floors, level, shift):  # type: ignore[no-untyped-def]
    """The lowest key of a score that k items reach by one term alone; 0 when no term has so many."""
    most = FLOAT32(0)
    if level >= 0:
        for place in range(len(terms)):
            most = max(most, scales[place] * floors[terms[place], level])
    return np.uint64(bits_of(most + shift)) << np.uint64(32) if most > 0 else np.uint64(0)


@njit(cache=True, nogil=True)
def _search_range(terms, scales, shift, part, base, table, dead, keep, k, sums, keys, count, edge, work):  # type: ignore[no-untyped-def]
    """Score one range for one query and take what may be a hit; gives how many keys are held, and the key that hits must pass."""
    offsets, ints, found = carray(pointer(part[0]), part[1] + 1, np.uint32), sums.view(np.int32), work[3]
    total = _add_up(terms, scales, offsets, part, table, sums)
    if total == 0:
        return count, edge
    _clear(sums, dead, base, part[5])
    least, sparse = least_sum(edge, shift), total * SPARSE < part[5]
    if len(keep) and not sparse:
        for local in range(part[5]):
            sums[local] *= FLOAT32(keep[base + local])
    number = _from_lists(terms, offsets, part, ints, least, found) if sparse else from_sums(ints, part[5], k, least, work)
    if len(keep) and sparse:
        number = kept(found, number, keep[base:])
    return take(found, number, base, shift, keys, count, edge, k)


@njit(cache=True, nogil=True)
def _add_up(terms, scales, offsets, part, table, sums):  # type: ignore[no-untyped-def]
    """Add the gains of all terms to the sums; gives the number of postings read."""
    total, known = 0, UINT32(part[1])
    for place in range(len(terms)):
        term = terms[place]
        if term < known:
            first, size = offsets[term], np.int64(offsets[term + UINT32(1)] - offsets[term])
            if size:
                places = carray(pointer(part[2] + 2 * np.int64(first)), size, np.uint16)
                _add_list(places, part[3] + part[4] * np.int64(first), part[4], scales[place], size, table, sums)
                total += size
    return total


@njit(cache=True, nogil=True)
def _add_list(places, address, kind, scale, size, table, sums):  # type: ignore[no-untyped-def]
    if kind == 4:
        _add_gains(places, carray(pointer(address), size, np.float32), scale, sums)
    elif kind == 2:
        _add_codes(places, carray(pointer(address), size, np.uint16), scale, table, sums)
    else:
        _add_codes(places, carray(pointer(address), size, np.uint8), scale, table, sums)


@njit(cache=True, nogil=True)
def _add_gains(places, gains, scale, sums):  # type: ignore[no-untyped-def]
    """Four at a time: no item stands twice in a list, which the compiler cannot know (10 to 25 % faster)."""
    whole = len(places) & ~3
    for place in range(0, whole, 4):
        a, b, c, d = places[place], places[place + 1], places[place + 2], places[place + 3]
        first, second = sums[a] + scale * gains[place], sums[b] + scale * gains[place + 1]
        third, fourth = sums[c] + scale * gains[place + 2], sums[d] + scale * gains[place + 3]
        sums[a], sums[b], sums[c], sums[d] = first, second, third, fourth
    for place in range(whole, len(places)):
        sums[places[place]] += scale * gains[place]


@njit(cache=True, nogil=True)
def _add_codes(places, codes, scale, table, sums):  # type: ignore[no-untyped-def]
    """The same by way of the table."""
    whole = len(places) & ~3
    for place in range(0, whole, 4):
        a, b, c, d = places[place], places[place + 1], places[place + 2], places[place + 3]
        first, second = sums[a] + scale * table[codes[place]], sums[b] + scale * table[codes[place + 1]]
        third, fourth = sums[c] + scale * table[codes[place + 2]], sums[d] + scale * table[codes[place + 3]]
        sums[a], sums[b], sums[c], sums[d] = first, second, third, fourth
    for place in range(whole, len(places)):
        sums[places[place]] += scale * table[codes[place]]


@njit(cache=True, nogil=True)
def _clear(sums, dead, base, width):  # type: ignore[no-untyped-def]
    """Items that were removed, and still stand in the lists, get 0."""
    low, high = 0, len(dead)
    while low < high:
        middle = (low + high) >> 1
        if dead[middle] < base:
            low = middle + 1
        else:
            high = middle
    while low < len(dead) and dead[low] < base + width:
        sums[dead[low] - base] = 0
        low += 1


@njit(cache=True, nogil=True)
def _from_lists(terms, offsets, part, ints, least, found):  # type: ignore[no-untyped-def]
    """Sums that reach `least`, found by reading the lists again; each is put back to 0 when first met, so none is taken twice."""
    number, known = 0, UINT32(part[1])
    for term in terms:
        if term < known:
            first, size = offsets[term], np.int64(offsets[term + UINT32(1)] - offsets[term])
            for local in carray(pointer(part[2] + 2 * np.int64(first)), size, np.uint16):
                found[number] = key_of(UINT32(ints[local]), local)
                number += ints[local] >= least
                ints[local] = 0
    return number


@njit(cache=True, nogil=True)
def _write(keys, count, k, spare, bins, rows, scores):  # type: ignore[no-untyped-def]
    """The k best of the buffer, in order, as rows and scores."""
    if count > ORDERED_BY_BINS:
        count = take_ordered(keys, count, k, spare, bins)
        keys = spare
    else:
        if count > k:
            keep_largest(keys, count, k)
            count = k
        sort_falling(keys, count)
    values = keys.view(np.float32)
    for place in range(count):
        rows[place], scores[place] = row_of(keys[place]), values[2 * place + 1]
    for place in range(count, len(rows)):
        rows[place], scores[place] = -1, -np.inf


@njit(cache=True, nogil=True)
def score(starts, columns, values, rarity, lacks, lists, table, rows, scores):  # type: ignore[no-untyped-def]
    """The scores of given items, int64 [q, c] with -1 for none, into float32 [q, c]; one binary search a term and item."""
    terms, scales, shifts = _prepared(starts, columns, values, rarity, lacks)
    for query in range(len(rows)):
        for place in range(rows.shape[1]):
            row = rows[query, place]
            if row < 0:
                scores[query, place] = -np.inf
                continue
            own = slice(starts[query], starts[query + 1])
            total = _sum_of(terms[own], scales[own], lists[row // RANGE], np.uint16(row % RANGE), table)
            scores[query, place] = total + shifts[query]


@njit(cache=True, nogil=True)
def _sum_of(terms, scales, part, local, table):  # type: ignore[no-untyped-def]
    """What the terms add to one item of a range."""
    offsets = carray(pointer(part[0]), part[1] + 1, np.uint32)
    places, total = carray(pointer(part[2]), 1, np.uint16), FLOAT32(0)
    for place in range(len(terms)):
        if terms[place] < UINT32(part[1]):
            last = offsets[terms[place] + UINT32(1)]
            found = _find(places, offsets[terms[place]], last, local)
            if found < last and places[found] == local:
                total += scales[place] * _gain_at(part[3], part[4], found, table)
    return total


@njit(cache=True, nogil=True)
def _gain_at(address, kind, place, table):  # type: ignore[no-untyped-def]
    if kind == 4:
        return carray(pointer(address), 1, np.float32)[place]
    if kind == 2:
        return table[carray(pointer(address), 1, np.uint16)[place]]
    return table[carray(pointer(address), 1, np.uint8)[place]]


@njit(cache=True, nogil=True)
def _find(places, low, high, local):  # type: ignore[no-untyped-def]
    """The first of places[low:high] that holds this item or a later one."""
    while low < high:
        middle = low + ((high - low) >> UINT32(1))
        if places[middle] < local:
            low = middle + UINT32(1)
        else:
            high = middle
    return low
