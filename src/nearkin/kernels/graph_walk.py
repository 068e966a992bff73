"""Best-first walks over a graph of packed rows: several walks take turns, so that one computes while the others wait for memory.

A walk keeps its best nodes in a falling list as long as its window; it looks at the neighbours of the best node not yet looked at, until
there is none. Source: the greedy search of Vamana (Subramanya et al. 2019); taking turns and asking for memory ahead are engineering.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.packed import LINE, dot, prefetch

NONE, DONE = -1, -2


@njit(cache=True, nogil=True)
def walk(packed, links, queries, sums, entries, lanes, ids, keys, work):  # type: ignore[no-untyped-def]
    """The best nodes of each walk, best first: to ids int32 [q, window] (-1 pads) and keys float32 [q, window].

    packed: uint8 [n, width], aligned; links: int32 [n, degree], -1 pads; queries: int8 [q, 2 width] spread; sums: float32 [q], those of
    their integers; entries: int32 [q, e] to start from; lanes: walks at a time; work int64 [2] counts products and nodes looked at.
    key = scale * dot + offset * sum, the product of the query with the decoded row.
    """
    lanes, room, open_, following = min(lanes, len(queries)), max(links.shape[1], entries.shape[1]), min(lanes, len(queries)), 0
    seen = np.zeros((lanes, len(packed) // 64 + 1), np.uint64)
    fresh, counts = np.empty((lanes, room), np.int32), np.zeros(lanes, np.int64)
    asked, sizes, places = np.full(lanes, NONE), np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    nodes = np.full(lanes, NONE)  # what each lane looks at in its next turn, its links asked for
    while open_:
        for lane in range(lanes):
            query = asked[lane]
            if query == DONE:
                continue
            if query == NONE:  # begin the next query
                asked[lane] = following if following < len(queries) else DONE
                open_ -= following == len(queries)
                if asked[lane] >= 0:
                    following += 1
                    seen[lane, :], sizes[lane], places[lane] = 0, 0, 0
                    counts[lane] = _fresh(packed, entries[asked[lane]], seen[lane], fresh[lane])
            elif nodes[lane] >= 0:  # its links are there now
                counts[lane] = _fresh(packed, links[nodes[lane]], seen[lane], fresh[lane])
                nodes[lane] = NONE
            else:  # the rows are there now
                sizes[lane], place = _scored(
                    packed, queries[query], sums[query], fresh[lane], counts[lane], keys[query], ids[query], sizes[lane], places[lane]
                )
                work[0] += counts[lane]
                while place < sizes[lane] and ids[query, place] < 0:
                    place += 1
                if place == sizes[lane]:
                    _finish(ids[query], place)
                    asked[lane] = NONE
                    continue
                nodes[lane], places[lane] = ids[query, place], place + 1
                ids[query, place] = ~ids[query, place]  # looked at
                work[1] += 1
                _ask(links, nodes[lane])


@njit(cache=True, nogil=True)
def _ask(links, node):  # type: ignore[no-untyped-def]
    size = np.uintp(links.shape[1] * links.itemsize)
    for byte in range(0, size, LINE):
        prefetch(links.ctypes.data + np.uintp(node) * size + np.uintp(byte))


@njit(cache=True, nogil=True)
def _fresh(packed, nodes, seen, fresh):  # type: ignore[no-untyped-def]
    """The nodes not seen before, their rows asked for; gives how many."""
    count, width, first = 0, packed.shape[1], packed.ctypes.data
    for node in nodes:
        if node < 0:
            break
        place, bit = node >> 6, np.uint64(node & 63)
        word = seen[place]
        fresh[count] = node  # without a branch on a coin toss: an old one is overwritten by the next
        count += np.int64(1) - np.int64((word >> bit) & np.uint64(1))
        seen[place] = word | (np.uint64(1) << bit)
    for each in range(count):
        row = first + np.uintp(fresh[each]) * np.uintp(width)
        for line in range(width // LINE):
            prefetch(row + np.uintp(line * LINE))
    return count


@njit(cache=True, nogil=True)
def _scored(packed, query, total, fresh, count, keys, ids, size, place):  # type: ignore[no-untyped-def]
    """Put the fresh nodes into the falling list; gives its size and the first place that may hold a node not looked at."""
    first, asked, width, window = packed.ctypes.data, query.ctypes.data, packed.shape[1], len(keys)
    lines, factors = width // LINE, packed.view(np.float32)
    last = factors.shape[1]
    for each in range(count):
        node = fresh[each]
        product = dot(first + np.uintp(node) * np.uintp(width), asked, lines)
        key = factors[node, last - 2] * np.float32(product) + factors[node, last - 1] * total
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
