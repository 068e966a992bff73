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
from nearkin.kernels.posting_lists import RANGE
from nearkin.kernels.ranked import BINS, keep_largest, key_of, push, row_of, sort_falling, take_ordered

STRIDE = 16  # items a block; block b of nb is {b, b + nb, b + 2 nb, ...}, so that all maxima are taken by whole-vector operations
SPARSE = 12  # with fewer than one posting in so many items, reading the postings again beats a scan of all sums (measured)
STATE = 1 << 18  # keys kept for a group of queries that go through a range one after another, which then stays in the cache
SMALL = 16  # up to this k the k largest of a stream are kept in order, beyond it a histogram finds where they begin
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
    return np.uint64(_bits(most + shift)) << np.uint64(32) if most > 0 else np.uint64(0)


@njit(cache=True, nogil=True)
def _search_range(terms, scales, shift, part, base, table, dead, keep, k, sums, keys, count, edge, work):  # type: ignore[no-untyped-def]
    """Score one range for one query and take what may be a hit; gives how many keys are held, and the key that hits must pass."""
    offsets, ints, found = carray(pointer(part[0]), part[1] + 1, np.uint32), sums.view(np.int32), work[3]
    total = _add_up(terms, scales, offsets, part, table, sums)
    if total == 0:
        return count, edge
    _clear(sums, dead, base, part[5])
    least, sparse = _least(edge, shift), total * SPARSE < part[5]
    if len(keep) and not sparse:
        for local in range(part[5]):
            sums[local] *= FLOAT32(keep[base + local])
    number = _from_lists(terms, offsets, part, ints, least, found) if sparse else _from_sums(ints, part[5], k, least, work)
    if len(keep) and sparse:
        number = _kept(found, number, keep[base:])
    return _take(found, number, base, shift, keys, count, edge, k)


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
def _from_sums(ints, width, k, least, work):  # type: ignore[no-untyped-def]
    """Sums that may be among the k largest and reach `least`, found by looking at all; they are put back to 0.

    At least k items reach the k-th largest maximum of blocks, so only blocks that reach it, and in them only sums that do, are taken.
    """
    blocks, supers, bins, found = work
    nb = (width + STRIDE - 1) // STRIDE
    number, ns = 0, (nb + STRIDE - 1) // STRIDE
    if 2 * k > nb:
        for local in range(width):
            found[number] = key_of(UINT32(ints[local]), local)
            number += ints[local] >= least
        ints[:width] = 0
        return number
    _maxima(ints, nb, blocks[:nb])
    blocks[nb : nb + STRIDE] = 0
    _maxima(blocks, ns, supers[:ns])
    if k <= SMALL:
        some = supers[:ns] if ns >= 8 * k else blocks[:nb]
        least = max(least, _kth(some, k, least))
    else:
        least = max(least, _kth_by_bins(blocks[:nb], k, least, bins))
    number = _scan(ints, blocks, supers[:ns], nb, least, found)
    ints[: nb * STRIDE] = 0
    return number


@njit(cache=True, nogil=True)
def _maxima(ints, number, tops):  # type: ignore[no-untyped-def]
    """The maximum of each block; as integers, which for floats >= 0 order alike, because only those become vector operations (5x)."""
    for stride in range(0, STRIDE, 4):
        a, b = ints[stride * number : (stride + 1) * number], ints[(stride + 1) * number : (stride + 2) * number]
        c, d = ints[(stride + 2) * number : (stride + 3) * number], ints[(stride + 3) * number : (stride + 4) * number]
        if stride == 0:
            for block in range(len(tops)):
                tops[block] = max(max(a[block], b[block]), max(c[block], d[block]))
        else:
            for block in range(len(tops)):
                tops[block] = max(tops[block], max(max(a[block], b[block]), max(c[block], d[block])))


@njit(cache=True, nogil=True)
def _kth(values, k, least):  # type: ignore[no-untyped-def]
    """The k-th largest of the values, for small k; `least` where fewer are above it."""
    best = np.full(SMALL, least, np.int32)
    for value in values:
        if value > best[k - 1]:
            gap = k - 1
            while gap > 0 and best[gap - 1] < value:
                best[gap] = best[gap - 1]
                gap -= 1
            best[gap] = value
    return best[k - 1]


@njit(cache=True, nogil=True)
def _kth_by_bins(values, k, least, bins):  # type: ignore[no-untyped-def]
    """A number near the k-th largest of the values and not above it; `least` where fewer reach that."""
    most, floats = np.int32(0), values.view(np.float32)
    for value in values:
        most = max(most, value)
    if most < max(least, 1 << 23):  # nothing, or only numbers too small for a scale
        return least
    bins[:], scale = 0, FLOAT32(BINS - 1) / _float(most)
    for place in range(len(values)):
        if values[place] >= least:
            bins[UINT32(floats[place] * scale)] += 1
    own, total = BINS - 1, bins[BINS - 1]
    while own > 0 and total < k:
        own -= 1
        total += bins[own]
    edge = np.int32(_bits(FLOAT32(own) / scale * FLOAT32(0.999999)))  # a little less, for the product above was rounded
    return least if total < k else max(least, edge)


@njit(cache=True, nogil=True)
def _scan(ints, blocks, supers, nb, least, found):  # type: ignore[no-untyped-def]
    """The sums that reach `least`, by way of the maxima of blocks, and of blocks of blocks."""
    number = 0
    for top in range(len(supers)):
        if supers[top] >= least:
            for block in range(top, nb, len(supers)):
                if blocks[block] >= least:
                    for local in range(block, STRIDE * nb, nb):
                        found[number] = key_of(UINT32(ints[local]), local)
                        number += ints[local] >= least
    return number


@njit(cache=True, nogil=True)
def _kept(found, number, keep):  # type: ignore[no-untyped-def]
    """Only those that the filter leaves."""
    stays = 0
    for place in range(number):
        found[stays] = found[place]
        stays += keep[row_of(found[place])]
    return stays


@njit(cache=True, nogil=True)
def _take(found, number, base, shift, keys, count, edge, k):  # type: ignore[no-untyped-def]
    """Put sums and their places as scores and rows among the keys held for a query; where room is short, only those above the edge."""
    if shift == 0 and count + number <= len(keys):
        for place in range(number):
            keys[count + place] = found[place] - np.uint64(base)
        return count + number, edge
    for place in range(number):
        key = found[place]
        if shift > 0:
            key = key_of(_bits(_float(key >> np.uint64(32)) + shift), row_of(key))
        key -= np.uint64(base)
        if key > edge:
            count, edge = push(keys, count, edge, key, k)
    return count, edge


@njit(cache=True, nogil=True)
def _least(edge, shift):  # type: ignore[no-untyped-def]
    """The bits of the least sum, 1 or more, that with the shift reaches the score of the edge."""
    score = _float(edge >> np.uint64(32))
    if score <= shift:
        return np.int32(1)
    least = np.int32(_bits(score - shift))
    while least > 1 and _float(least - 1) + shift >= score:
        least -= np.int32(1)
    while _float(least) + shift < score:
        least += np.int32(1)
    return max(least, np.int32(1))


@njit(cache=True, nogil=True)
def _bits(value):  # type: ignore[no-untyped-def]
    """The bits of a float32."""
    return np.float32(value).view(np.uint32)


@njit(cache=True, nogil=True)
def _float(bits):  # type: ignore[no-untyped-def]
    """The float32 with these bits."""
    return np.uint32(bits).view(np.float32)


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
