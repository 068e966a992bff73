"""Edges of a search graph over packed rows: near candidates from lists, pruned so that edges point into different directions.

Nearness here is -|x_i - x_j|^2 + |x_i|^2 = 2 <x_i, x_j> - |x_j|^2 of the decoded rows, worked out from their symbols:
<x_i, x_j> = s_i s_j <c_i, c_j> + s_i o_j sum(c_i) + o_i s_j sum(c_j) + dim o_i o_j, with scale s and offset o.
Rows stand in the order of their lists, so that a list is a run of memory. `Rows` below is (packed, sums, norms): packed uint8
[n, width], sums int32 [n] of the symbols, norms float32 [n], squared lengths of the decoded rows.
Source: RobustPrune and reverse edges of Vamana (Subramanya et al. 2019); candidates from lists as PiPNN does (2026), whose leaves overlap.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.falling import put
from nearkin.kernels.packed import LINE, aligned_room, dot, dots, prefetch, spread_row


@njit(cache=True, nogil=True)
def measured(packed, dim, sums, norms):  # type: ignore[no-untyped-def]
    """The sums and norms of packed rows, written to int32 [n] and float32 [n]."""
    factors = packed.view(np.float32)
    last = factors.shape[1]
    for row in range(len(packed)):
        total, squares = 0, 0
        for byte in range(packed.shape[1] - 8):
            low, high = np.int64(packed[row, byte] & 15), np.int64(packed[row, byte] >> 4)
            total += low + high
            squares += low * low + high * high
        scale, offset = np.float64(factors[row, last - 2]), np.float64(factors[row, last - 1])
        sums[row] = total
        norms[row] = scale * scale * squares + 2 * scale * offset * total + dim * offset * offset


@njit(cache=True, nogil=True)
def near_in_lists(packed, sums, norms, dim, starts, points, lists, bounds, first, ids, keys, sizes):  # type: ignore[no-untyped-def]
    """The nearest rows of each point among the lists it probes: into falling lists ids int32 and keys float32 [b, c], sizes int64 [b].

    Points are rows first, first + 1, ...; those that probe list lists[i] are points[bounds[i]:bounds[i + 1]], so that a list is read once.
    starts: the first row of each list.
    """
    width = packed.shape[1]
    factors, query = packed.view(np.float32), aligned_room(2 * width)
    last, longest = factors.shape[1], 0
    for each in range(len(starts) - 1):
        longest = max(longest, starts[each + 1] - starts[each])
    products, near = np.empty(longest, np.int32), np.empty(longest, np.float32)
    scales, offsets, weighted = np.empty(longest, np.float32), np.empty(longest, np.float32), np.empty(longest, np.float32)
    for which in range(len(lists)):
        low, high = starts[lists[which]], starts[lists[which] + 1]
        count = high - low
        for each in range(count):
            scales[each], offsets[each] = factors[low + each, last - 2], factors[low + each, last - 1]
            weighted[each] = scales[each] * np.float32(sums[low + each])
        for place in range(bounds[which], bounds[which + 1]):
            point = points[place]
            row = first + point
            spread_row(packed[row], query)
            dots(packed[low:high], query, products)
            scale, offset = factors[row, last - 2], factors[row, last - 1]
            a, b, c = 2 * scale, 2 * (scale * np.float32(sums[row]) + offset * np.float32(dim)), 2 * offset
            _nearness(products[:count], scales, offsets, weighted, norms[low:high], a, b, c, near)
            if low <= row < high:
                near[row - low] = -np.inf
            sizes[point] = _kept(near[:count], low, ids[point], keys[point], sizes[point])


@njit(cache=True, nogil=True)
def _nearness(products, scales, offsets, weighted, norms, a, b, c, near):  # type: ignore[no-untyped-def]
    for each in range(len(products)):
        near[each] = a * scales[each] * np.float32(products[each]) + b * offsets[each] + c * weighted[each] - norms[each]


@njit(cache=True, nogil=True)
def _kept(near, low, ids, keys, size):  # type: ignore[no-untyped-def]
    """Put the rows low, low + 1, ... into a falling list where they are near enough; gives its size."""
    cap = len(ids)
    worst = keys[cap - 1] if size == cap else np.float32(-3.0e38)
    for each in range(len(near)):
        if near[each] > worst:
            size = put(ids, keys, size, low + each, near[each])
            if size == cap:
                worst = keys[cap - 1]
    return size


@njit(cache=True, nogil=True)
def prune(packed, sums, norms, dim, rows, ids, keys, sizes, alpha, links):  # type: ignore[no-untyped-def]
    """RobustPrune: of each point's candidates, nearest first, keep those not nearer (by alpha, in squares) to one kept than to the point.

    ids int32, keys float32 [b, c], sizes int64 [b] as `near_in_lists` gives; links int32 [b, degree], -1 pads, of these rows, int [b].
    """
    width, degree = packed.shape[1], links.shape[1]
    factors, spread = packed.view(np.float32), aligned_room(degree * 2 * width).reshape(degree, 2 * width)
    base, last, lines = packed.ctypes.data, packed.shape[1] // 4, width // LINE
    for point in range(len(ids)):
        kept = 0
        for place in range(sizes[point]):
            row = ids[point, place]
            if kept == degree:
                break
            if place + 4 < sizes[point]:
                ahead = base + np.uintp(ids[point, place + 4]) * np.uintp(width)
                for line in range(lines):
                    prefetch(ahead + np.uintp(line * LINE))
            reach = (norms[rows[point]] - keys[point, place]) / alpha - norms[row]
            scale, offset, address = factors[row, last - 2], factors[row, last - 1], base + np.uintp(row) * np.uintp(width)
            weighted, covered = scale * np.float32(sums[row]), False
            for before in range(kept):
                other = links[point, before]
                a, o = factors[other, last - 2], factors[other, last - 1]
                product = np.float32(dot(address, spread[before].ctypes.data, lines))
                inner = a * scale * product + offset * (a * np.float32(sums[other]) + o * np.float32(dim)) + o * weighted
                if norms[other] - 2 * inner < reach:
                    covered = True
                    break
            if not covered:
                spread_row(packed[row], spread[kept])
                links[point, kept] = row
                kept += 1
        links[point, kept:] = -1


@njit(cache=True, nogil=True)
def incoming(links, offsets):  # type: ignore[no-untyped-def]
    """The nodes that link to each node: int32 [edges], those of node i from offsets[i] (int64 [n + 1], written here) to offsets[i + 1]."""
    offsets[:] = 0
    for node in range(len(links)):
        for other in links[node]:
            if other < 0:
                break
            offsets[other + 1] += 1
    for node in range(len(links)):
        offsets[node + 1] += offsets[node]
    sources, filled = np.empty(offsets[len(links)], np.int32), offsets[:-1].copy()
    for node in range(len(links)):
        for other in links[node]:
            if other < 0:
                break
            sources[filled[other]] = node
            filled[other] += 1
    return sources


@njit(cache=True, nogil=True)
def gathered(packed, sums, norms, dim, rows, links, sources, offsets, extra, ids, keys, sizes):  # type: ignore[no-untyped-def]
    """Own links, links the other way round and further candidates (int32 [b, e], -1 pads) of each of these rows in one falling list."""
    width, seen = packed.shape[1], np.full(len(packed), -1, np.int32)
    factors, query, base = packed.view(np.float32), aligned_room(2 * width), packed.ctypes.data
    last, lines, fresh = factors.shape[1], width // LINE, np.empty(len(packed), np.int32)
    for point in range(len(ids)):
        row = rows[point]
        seen[row] = row
        count = _unseen(links[row], row, seen, fresh, 0)
        count = _unseen(sources[offsets[row] : offsets[row + 1]], row, seen, fresh, count)
        count = _unseen(extra[point], row, seen, fresh, count)
        for each in range(count):
            address = base + np.uintp(fresh[each]) * np.uintp(width)
            for line in range(lines):
                prefetch(address + np.uintp(line * LINE))
        spread_row(packed[row], query)
        a, o, own = factors[row, last - 2], factors[row, last - 1], np.float32(sums[row])
        size = 0
        for each in range(count):
            other = fresh[each]
            scale, offset = factors[other, last - 2], factors[other, last - 1]
            product = np.float32(dot(base + np.uintp(other) * np.uintp(width), query.ctypes.data, lines))
            inner = a * scale * product + offset * (a * own + o * np.float32(dim)) + o * scale * np.float32(sums[other])
            size = put(ids[point], keys[point], size, other, 2 * inner - norms[other])
        sizes[point] = size


@njit(cache=True, nogil=True)
def _unseen(nodes, row, seen, fresh, count):  # type: ignore[no-untyped-def]
    for node in nodes:
        if node < 0:
            break
        if seen[node] != row:
            seen[node] = row
            fresh[count] = node
            count += 1
    return count


@njit(cache=True, nogil=True)
def connected(links, entries, ids):  # type: ignore[no-untyped-def]
    """Link to every node that no walk from the entries reaches, from one that is reached: among its nearest (ids int32 [n, c]) or an entry.

    Where a node has no room for the link, it gives up its last, unless that is the only link to somewhere (a link given here stays).
    """
    reached, fixed = np.zeros(len(links), np.bool_), np.zeros(len(links), np.bool_)
    stack = np.empty(len(links), np.int32)
    for entry in entries:
        _reach(links, entry, reached, stack)
    for node in range(len(links)):
        if reached[node]:
            continue
        source = entries[node % len(entries)]
        for other in ids[node]:
            if other >= 0 and reached[other] and not fixed[other]:
                source = other
                break
        place = links.shape[1] - 1
        while place > 0 and links[source, place - 1] < 0:
            place -= 1
        links[source, place] = node
        fixed[source] = place == links.shape[1] - 1
        _reach(links, node, reached, stack)


@njit(cache=True, nogil=True)
def _reach(links, start, reached, stack):  # type: ignore[no-untyped-def]
    if reached[start]:
        return
    reached[start], stack[0], size = True, start, 1
    while size:
        size -= 1
        for other in links[stack[size]]:
            if other < 0:
                break
            if not reached[other]:
                reached[other] = True
                stack[size] = other
                size += 1
