"""Best-first walks over a graph of packed rows: several walks take turns, so that one computes while the others wait for memory.

A walk keeps its best nodes in a falling list as long as its window; it looks at the neighbours of the best node not yet looked at, until
there is none; a walk alone takes the best two. Source: the greedy search of Vamana (Subramanya et al. 2019); taking turns and asking for
memory ahead are engineering.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.packed import LINE, dot, prefetch

NONE, DONE = -1, -2
AT_ONCE_ALONE = 2  # nodes that a walk alone looks at in a turn: half the waits for memory, which no other walk fills; 3 and 4 no faster


@njit(cache=True, nogil=True)
def walk(packed, links, queries, sums, entries, lanes, ids, keys, work):  # type: ignore[no-untyped-def]
    """The best nodes of each walk, best first: to ids int32 [q, window] (-1 pads) and keys float32 [q, window].

    packed: uint8 [n, width], aligned; links: int32 [n, degree], -1 pads; queries: int8 [q, 2 width] spread; sums: float32 [q], those of
    their integers; entries: int32 [q, e] to start from; lanes: walks at a time; work int64 [2] counts products and nodes looked at.
    key = scale * dot + offset * sum, the product of the query with the decoded row.
    """
    lanes, beam = min(lanes, len(queries)), AT_ONCE_ALONE if len(queries) == 1 else 1
    open_, following, room = lanes, 0, beam * max(links.shape[1], entries.shape[1])
    turns = np.argsort(entries[:, 0])  # walks that begin at the same row read the same rows, one after the other while those are near
    seen = np.zeros((lanes, _words(len(packed))), np.uint64)
    fresh, counts, marks = np.empty((lanes, room), np.int32), np.zeros(lanes, np.int64), np.empty(room, np.float32)
    asked, sizes, places = np.full(lanes, NONE), np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    nodes = np.full((lanes, beam), NONE)  # what each lane looks at in its next turn, its links asked for
    while open_:
        for lane in range(lanes):
            query = asked[lane]
            if query == DONE:
                continue
            if query == NONE:  # begin the next query
                asked[lane] = turns[following] if following < len(queries) else DONE
                open_ -= following == len(queries)
                if asked[lane] >= 0:
                    following += 1
                    seen[lane, :], sizes[lane], places[lane] = 0, 0, 0
                    counts[lane] = _fresh(packed, entries[asked[lane]], seen[lane], fresh[lane], 0)
            elif nodes[lane, 0] >= 0:  # its links are there now
                counts[lane] = 0
                for each in range(beam):
                    if nodes[lane, each] >= 0:
                        counts[lane] = _fresh(packed, links[nodes[lane, each]], seen[lane], fresh[lane], counts[lane])
                nodes[lane] = NONE
            else:  # the rows are there now
                found, size = fresh[lane, : counts[lane]], sizes[lane]
                size, place = _scored(packed, queries[query], sums[query], found, marks, keys[query], ids[query], size, places[lane])
                sizes[lane] = size
                work[0] += counts[lane]
                for each in range(beam):
                    while place < size and ids[query, place] < 0:
                        place += 1
                    if place == size:
                        break
                    nodes[lane, each] = ids[query, place]
                    ids[query, place] = ~ids[query, place]  # looked at
                    work[1] += 1
                    _ask(links, nodes[lane, each])
                places[lane] = place
                if nodes[lane, 0] == NONE:
                    _finish(ids[query], place)
                    asked[lane] = NONE


@njit(cache=True, nogil=True)
def _ask(links, node):  # type: ignore[no-untyped-def]
    size = np.uintp(links.shape[1] * links.itemsize)
    for byte in range(0, size, LINE):
        prefetch(links.ctypes.data + np.uintp(node) * size + np.uintp(byte))


@njit(cache=True, nogil=True)
def _log2(size):  # type: ignore[no-untyped-def]
    power = 0
    while 1 << power < size:
        power += 1
    return power


@njit(cache=True, nogil=True)
def _words(size):  # type: ignore[no-untyped-def]
    """Words of 64 bits, a power of two: neighbours in the table have bits in different words, which a loop can change without waiting."""
    return 1 << _log2(size // 64 + 1)


@njit(cache=True, nogil=True)
def _fresh(packed, nodes, seen, fresh, old):  # type: ignore[no-untyped-def]
    """Append the nodes not seen before to the `old` fresh ones, their rows asked for; gives how many there are now."""
    count, width, first, mask, turn = old, packed.shape[1], packed.ctypes.data, np.uint64(len(seen) - 1), np.uint64(_log2(len(seen)))
    for node in nodes:
        if node < 0:
            break
        place, bit = np.uint64(node) & mask, np.uint64(node) >> turn
        word = seen[place]
        fresh[count] = node  # without a branch on a coin toss: an old one is overwritten by the next
        count += np.int64(1) - np.int64((word >> bit) & np.uint64(1))
        seen[place] = word | (np.uint64(1) << bit)
    for each in range(old, count):
        row = first + np.uintp(fresh[each]) * np.uintp(width)
        for line in range(width // LINE):
            prefetch(row + np.uintp(line * LINE))
    return count


@njit(cache=True, nogil=True)
def _scored(packed, query, total, fresh, marks, keys, ids, size, place):  # type: ignore[no-untyped-def]
    """Put the fresh nodes into the falling list; gives its size and the first place that may hold a node not looked at."""
    first, asked, width, window = packed.ctypes.data, query.ctypes.data, packed.shape[1], len(keys)
    lines, factors = width // LINE, packed.view(np.float32)
    last, better = factors.shape[1], 0
    least = keys[size - 1] if size == window else np.float32(-np.inf)
    for each in range(len(fresh)):  # without a branch, so that the products of several rows are under way at once
        node = fresh[each]
        product = dot(first + np.uintp(node) * np.uintp(width), asked, lines)
        key = factors[node, last - 2] * np.float32(product) + factors[node, last - 1] * total
        marks[better], fresh[better] = key, node
        better += np.int64(key > least)
    for each in range(better):
        key, node = marks[each], fresh[each]
        if size == window:
            if key <= keys[size - 1]:
                continue
            spot = size - 1
        else:
            spot = size
            size += 1
        while spot > 0 and keys[spot - 1] < key:
            keys[spot], ids[spot] = keys[spot - 1], ids[spot - 1]
            spot -= 1
        keys[spot], ids[spot] = key, node
        place = min(place, spot)
    return size, place


@njit(cache=True, nogil=True)
def _finish(ids, size):  # type: ignore[no-untyped-def]
    for place in range(len(ids)):
        ids[place] = -1 if place >= size else ~ids[place] if ids[place] < 0 else ids[place]
