"""Loops of `FlatIndex`: a scan of one byte a number that rules out nearly all rows for certain, and exact products for the rest.

A row x is held as x = step * code + rest, code in -127..127, with slack >= |rest|. A query q is held the same way in 16 bits. Then

    |<q, x> - q_step * step * <q_code, code>|  <=  |q| * slack + |q_rest| * |step * code|

so a row can be among the k best only if its estimate plus this bound reaches the k-th largest estimate less bound.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 512  # rows scanned for all queries before the next ones; their codes stay in the second-level cache


@njit(cache=True, nogil=True)
def encode(rows, codes, steps, slacks):  # type: ignore[no-untyped-def]
    """Rows float32 [b, d] to codes int8 [b, d], steps and slacks float32 [b]; gives the largest |step * code| + slack."""
    reach = 0.0
    for row in range(len(rows)):
        most = 0.0
        for value in rows[row]:
            most = max(most, abs(np.float64(value)))
        steps[row] = most / 127
        step = np.float64(steps[row])
        held, rest = 0.0, 0.0
        for place in range(rows.shape[1]):
            value = np.float64(rows[row, place])
            code = np.int8(min(max(np.rint(value / step), -127), 127)) if step > 0 else np.int8(0)
            codes[row, place] = code
            held += (code * step) ** 2
            rest += (value - code * step) ** 2
        slacks[row] = np.sqrt(rest) * 1.000001
        reach = max(reach, np.sqrt(held) + np.float64(slacks[row]))
    return reach


@njit(cache=True, nogil=True)
def scan(codes, steps, slacks, barred, queries, factors, norms, extras, k, rows, counts):  # type: ignore[no-untyped-def]
    """Rows that may be among the k best of each query: written to rows int32 [q, room], their number to counts (-1: no room).

    queries: int16 [q, d]; factors: q_step; norms: |q|; extras: what each bound gets on top. barred: bool [n], rows to leave out.
    """
    uppers, heaps = np.empty(rows.shape, np.float64), np.full((len(queries), k), -np.inf)
    dots = np.empty(BLOCK, np.int32)
    for base in range(0, len(codes), BLOCK):
        last = min(base + BLOCK, len(codes))
        for query in range(len(queries)):
            _multiply(codes[base:last], queries[query], dots)
            if counts[query] >= 0:
                counts[query] = _select(
                    dots, factors[query], steps, slacks, barred, norms[query], extras[query], base, last,
                    heaps[query], rows[query], uppers[query], counts[query],
                )  # fmt: skip
    for query in range(len(queries)):
        if counts[query] > 0:
            counts[query] = _compact(rows[query], uppers[query], counts[query], heaps[query, 0])


@njit(cache=True, nogil=True)
def _multiply(codes, query, dots):  # type: ignore[no-untyped-def]
    """Inner products of int8 rows with an int16 query, in int32; the caller sees to it that they fit.

    Alone in its function, and stored at once, this loop becomes one multiply-and-add of 16 numbers an instruction; 2x otherwise.
    """
    for row in range(len(codes)):
        code, total = codes[row], np.int32(0)
        for place in range(codes.shape[1]):
            total += np.int32(np.int32(code[place]) * np.int32(query[place]))
        dots[row] = total


@njit(cache=True, nogil=True)
def _select(dots, factor, steps, slacks, barred, norm, extra, base, last, heap, rows, uppers, count):  # type: ignore[no-untyped-def]
    """Candidates of one block; heap: the k largest lower ends so far, the least of them at its root. Gives the new count."""
    for row in range(base, last):
        if barred[row]:
            continue
        estimate, bound = factor * steps[row] * dots[row - base], norm * slacks[row] + extra
        if estimate + bound >= heap[0]:
            if estimate - bound > heap[0]:
                _replace_least(heap, estimate - bound)
            if count == len(rows):
                count = _compact(rows, uppers, count, heap[0])
            if count == len(rows):
                return -1
            rows[count], uppers[count] = row, estimate + bound
            count += 1
    return count


@njit(cache=True, nogil=True)
def _replace_least(heap, value):  # type: ignore[no-untyped-def]
    """Put a value in the place of the least one of a heap, whose root is the least."""
    place, size = 0, len(heap)
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@njit(cache=True, nogil=True)
def _compact(rows, uppers, count, least):  # type: ignore[no-untyped-def]
    """Drop the candidates that cannot reach `least`; gives how many stay."""
    kept = 0
    for place in range(count):
        if uppers[place] >= least:
            rows[kept], uppers[kept] = rows[place], uppers[place]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def products(rows, query):  # type: ignore[no-untyped-def]
    """Inner products float32 [c] of rows float32 [c, d] with one query float32 [d].

    Summed in float64 in an order that depends on d alone, so a row gets the same bits whatever it is scored along with.
    """
    scores, dim = np.empty(len(rows), np.float32), rows.shape[1]
    for row in range(len(rows)):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for place in range(0, dim - 3, 4):
            a += np.float64(rows[row, place]) * np.float64(query[place])
            b += np.float64(rows[row, place + 1]) * np.float64(query[place + 1])
            c += np.float64(rows[row, place + 2]) * np.float64(query[place + 2])
            d += np.float64(rows[row, place + 3]) * np.float64(query[place + 3])
        for place in range(dim - dim % 4, dim):
            a += np.float64(rows[row, place]) * np.float64(query[place])
        scores[row] = (a + b) + (c + d)
    return scores
