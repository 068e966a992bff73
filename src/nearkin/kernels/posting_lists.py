"""Loops that make posting lists from rows, and find how much the best items of a term gain.

Layout of a range of items: term t owns `places[offsets[t]:offsets[t + 1]]`, uint16 and rising, the items counted from the first of the
range, and the values at the same places: a code of a pair (count, length of the item), or a count as it is.
"""

from __future__ import annotations

import numpy as np
from numba import carray, njit

from nearkin.kernels.addresses import pointer
from nearkin.kernels.ranked import keep_largest

RANGE = 65_536  # items a range: their sums, 256 KB, stay in the second-level cache, and their numbers fit 16 bits


@njit(cache=True, nogil=True)
def mark_pairs(starts, columns, counts, kinds, codes, unseen, seen):  # type: ignore[no-untyped-def]
    """Put `seen` at codes[kind of the row, count] (int32) for each pair that is met and was `unseen`."""
    for row in range(len(starts) - 1):
        line = codes[kinds[row]]
        for place in range(starts[row], starts[row + 1]):
            count = np.uint32(counts[place])
            if line[count] == unseen:
                line[count] = seen


@njit(cache=True, nogil=True)
def offsets_of(columns, first, last, dim):  # type: ignore[no-untyped-def]
    """Where the list of each term begins, uint32 [dim + 1], for the postings first to last."""
    offsets = np.zeros(dim + 1, np.uint32)
    for place in range(first, last):
        offsets[np.uint32(columns[place]) + np.uint32(1)] += np.uint32(1)
    for term in range(dim):
        offsets[term + 1] += offsets[term]
    return offsets


@njit(cache=True, nogil=True)
def fill_codes(starts, columns, counts, kinds, codes, first, last, heads, places, values):  # type: ignore[no-untyped-def]
    """Turn rows first to last in CSR form into lists, values codes[kind of the row, count]; heads: a copy of the offsets, used up."""
    for row in range(first, last):
        line, local = codes[kinds[row]], np.uint16(row - first)
        for place in range(starts[row], starts[row + 1]):
            term = np.uint32(columns[place])
            head = heads[term]
            places[head], values[head] = local, line[np.uint32(counts[place])]
            heads[term] = head + np.uint32(1)


@njit(cache=True, nogil=True)
def fill_counts(starts, columns, counts, first, last, heads, places, values):  # type: ignore[no-untyped-def]
    """The same with the counts as they are."""
    for row in range(first, last):
        local = np.uint16(row - first)
        for place in range(starts[row], starts[row + 1]):
            term = np.uint32(columns[place])
            head = heads[term]
            places[head], values[head] = local, counts[place]
            heads[term] = head + np.uint32(1)


@njit(cache=True, nogil=True)
def largest(lists, held_by, levels, table):  # type: ignore[no-untyped-def]
    """For each term the levels[i]-th largest of its gains, 0 where it has fewer: float32 [v, levels]; lists as in `postings`."""
    floors, room = np.zeros((len(held_by), len(levels)), np.float32), np.empty(1, np.uint64)
    bits = floors.view(np.uint32)
    for term in range(len(held_by)):
        if held_by[term] >= levels[0]:
            if held_by[term] > len(room):
                room = np.empty(2 * held_by[term], np.uint64)
            size = gather(lists, term, table, room)
            for level in range(len(levels) - 1, -1, -1):
                if size >= levels[level]:
                    keep_largest(room, size, levels[level])
                    bits[term, level] = room[levels[level] - 1]
                    size = levels[level]
    return floors


@njit(cache=True, nogil=True)
def gather(lists, term, table, room):  # type: ignore[no-untyped-def]
    """The bits of all gains of a term into room, which is made longer nowhere; gives their number."""
    size, bits = 0, table.view(np.uint32)
    for part in range(len(lists)):
        if term < lists[part, 1]:
            offsets = carray(pointer(lists[part, 0]), lists[part, 1] + 1, np.uint32)
            for place in range(offsets[term], offsets[term + 1]):
                if size < len(room):
                    room[size] = bits_at(lists[part, 3], lists[part, 4], place, bits)
                    size += 1
    return size


@njit(cache=True, nogil=True, inline="always")
def bits_at(address, kind, place, bits):  # type: ignore[no-untyped-def]
    """The bits of the gain at a place of values of this kind; bits: those of the table of gains."""
    if kind == 1:
        return bits[carray(pointer(address), 1, np.uint8)[np.uint64(place)]]
    if kind == 2:
        return bits[carray(pointer(address), 1, np.uint16)[np.uint64(place)]]
    return carray(pointer(address), 1, np.uint32)[np.uint64(place)]
