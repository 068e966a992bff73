"""Two levels of codes a row: 4 bits of the leading dims to walk by, 6 bits more of those and 8 bits of the other dims to rank by.

Of a row y [D] the first `dim` numbers are held as y = low + step * c, c in 0..15, step and low the row's own (LVQ); these are the packed
row. The second level holds r in 0..63 of the same dims, y = low + step * (64 c + r - 31.5) / 64, and the other D - dim numbers as
y = low' + step' * e, e in 0..255. Its layout, with h = width - 8 bytes of symbols in a packed row: float32 step' and low'; the high four
bits of r, h bytes laid out as the packed row; the low two bits of r, h / 2 bytes, byte i those of dims i, i + h/2, i + h, i + 3h/2; then e.
With 4 bits more instead of 6 the ten best of 100,000 sentences were right to .995 only, whatever the walk found.
Source: LVQ and its two-level form (Aguerrebere et al. 2023, arXiv 2304.04759); the split by leading dims is ours.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.falling import put
from nearkin.kernels.packed import FACTORS, LINE, dot, prefetch

MOST = 127  # of a query's integers while walking
AHEAD = 12  # rows asked of memory before their turn; more or fewer measured slower


def second_width(total: int, dim: int, width: int) -> int:
    """Bytes of the second level of rows of `total` numbers, `dim` of them in packed rows of `width` bytes."""
    return -(-(width + (width - FACTORS) // 2 + total - dim) // 8) * 8


@njit(cache=True, nogil=True)
def encode(rows, dim, packed, second):  # type: ignore[no-untyped-def]
    """Rows float32 [b, D] to packed uint8 [b, width] and second uint8 [b, second_width], both zero before."""
    half, last = packed.shape[1] - FACTORS, packed.shape[1] // 4
    quarter, after = half // 2, FACTORS + half + half // 2
    factors, others = packed.view(np.float32), second.view(np.float32)
    for row in range(len(rows)):
        low, step = _range(rows[row, :dim], 15)
        factors[row, last - 2], factors[row, last - 1] = step, low
        for place in range(dim):
            whole = (rows[row, place] - low) / step
            code = min(max(np.rint(whole), 0), 15)
            rest = np.uint8(min(max(np.rint((whole - code) * 64 + np.float32(31.5)), 0), 63))
            byte, shift = (place, 0) if place < half else (place - half, 4)
            packed[row, byte] |= np.uint8(code) << shift
            second[row, FACTORS + byte] |= (rest >> 2) << shift
            second[row, FACTORS + half + place % quarter] |= (rest & 3) << (2 * (place // quarter))
        low, step = _range(rows[row, dim:], 255)
        others[row, 0], others[row, 1] = step, low
        for place in range(rows.shape[1] - dim):
            second[row, after + place] = np.uint8(min(max(np.rint((rows[row, dim + place] - low) / step), 0), 255))


@njit(cache=True, nogil=True)
def _range(numbers, most):  # type: ignore[no-untyped-def]
    low, high = np.float32(0), np.float32(0)
    if len(numbers):
        low = high = numbers[0]
        for number in numbers:
            low, high = min(low, number), max(high, number)
    step = (high - low) / np.float32(most)
    return low, max(step, np.float32(1e-30))


@njit(cache=True, nogil=True)
def prepare(asked, read, dim, walking, sums, ranking, factors):  # type: ignore[no-untyped-def]
    """Queries as integers: to walk, int8 [q, 2 width] spread and float32 sums [q]; to rank, int16 [q, room + D - dim] and factors.

    asked: float32 [q, dim or more], of which the first `dim` are walked by; read: float32 [q, D]. factors float32 [q, 3]: the step of a
    query's integers to rank by, and the sums of those for the first `dim` numbers and the others. walking and ranking are zero before.
    """
    half = walking.shape[1] // 2 - FACTORS
    limit = min((2**31 - 1) // (255 * max(read.shape[1], 1)), 32_767)  # so that no sum leaves 32 bits
    small = np.zeros(walking.shape[1], np.int8)
    for query in range(len(asked)):
        unit = _step(asked[query, :dim], np.float32(MOST))
        sums[query] = _integers(asked[query, :dim], unit, small[:dim])
        for byte in range(0, half, 32):
            last = min(byte + 32, half)
            walking[query, 2 * byte : 2 * byte + last - byte] = small[byte:last]
            walking[query, 2 * byte + 32 : 2 * byte + 32 + last - byte] = small[half + byte : half + last]
        unit = _step(read[query], np.float32(limit))
        factors[query, 0] = unit
        factors[query, 1] = _integers(read[query, :dim], unit, ranking[query, :dim])
        factors[query, 2] = _integers(read[query, dim:], unit, ranking[query, 2 * half :])


@njit(cache=True, nogil=True)
def _integers(numbers, unit, integers):  # type: ignore[no-untyped-def]
    """Numbers over the unit, rounded; gives their sum."""
    inverse, total = np.float32(1) / unit, np.int32(0)
    for place in range(len(numbers)):
        value = np.int32(np.rint(numbers[place] * inverse))
        integers[place] = value
        total += value
    return total


@njit(cache=True, nogil=True)
def _step(numbers, most):  # type: ignore[no-untyped-def]
    largest = np.float32(0)
    for number in numbers:
        largest = max(largest, abs(number))
    return largest / most if largest > 0 else np.float32(1)


@njit(cache=True, nogil=True)
def score(packed, second, ranking, factors, candidates, scores):  # type: ignore[no-untyped-def]
    """Products of queries with rows of both levels: candidates int32 [q, c], -1 pads, to scores float32 [q, c], -inf there."""
    half, last = packed.shape[1] - FACTORS, packed.shape[1] // 4
    after = FACTORS + half + half // 2
    steps, others = packed.view(np.float32), second.view(np.float32)
    for query in range(len(candidates)):
        if query == 0:
            _ask(second, candidates[query])
        if query + 1 < len(candidates):
            _ask(second, candidates[query + 1])
        integers, unit = ranking[query], factors[query, 0]
        low, high, rest = integers[:half], integers[half : 2 * half], integers[2 * half :]
        for place in range(candidates.shape[1]):
            row = candidates[query, place]
            if row < 0:
                scores[query, place] = -np.inf
                continue
            codes = second[row]
            both = _leading(packed[row, :half], codes[FACTORS : FACTORS + half], low, high)
            fine = _quarters(codes[FACTORS + half : after], integers, half // 2)
            others_ = _others(codes[after : after + len(rest)], rest)
            step, offset = steps[row, last - 2], steps[row, last - 1]
            whole = np.float32(both) * np.float32(0.0625) + np.float32(fine) * np.float32(0.015625)
            first = step * (whole - np.float32(31.5 / 64) * factors[query, 1]) + offset * factors[query, 1]
            scores[query, place] = unit * (first + others[row, 0] * np.float32(others_) + others[row, 1] * factors[query, 2])


@njit(cache=True, nogil=True)
def _ask(second, rows):  # type: ignore[no-untyped-def]
    """Ask for the second level of these rows, to be there when the next query is scored."""
    base, width = second.ctypes.data, second.shape[1]
    for row in rows:
        if row >= 0:
            for line in range(0, width, LINE):
                prefetch(base + np.uintp(row) * np.uintp(width) + np.uintp(line))


@njit(cache=True, nogil=True)
def _leading(codes, rests, low, high):  # type: ignore[no-untyped-def]
    total = np.int32(0)  # cast anew each time: as a sum of 64 bits it would take twice the registers
    for byte in range(len(codes)):
        code, rest = codes[byte], rests[byte]
        total = np.int32(total + np.int32(np.int32((code & 15) << 4 | (rest & 15)) * np.int32(low[byte])))
        total = np.int32(total + np.int32(np.int32((code & 240) | (rest >> 4)) * np.int32(high[byte])))
    return total


@njit(cache=True, nogil=True)
def _quarters(codes, query, quarter):  # type: ignore[no-untyped-def]
    first, second = query[:quarter], query[quarter : 2 * quarter]
    third, fourth, total = query[2 * quarter : 3 * quarter], query[3 * quarter : 4 * quarter], np.int32(0)
    for byte in range(quarter):
        code = codes[byte]
        total = np.int32(total + np.int32(np.int32(code & 3) * np.int32(first[byte])))
        total = np.int32(total + np.int32(np.int32((code >> 2) & 3) * np.int32(second[byte])))
        total = np.int32(total + np.int32(np.int32((code >> 4) & 3) * np.int32(third[byte])))
        total = np.int32(total + np.int32(np.int32(code >> 6) * np.int32(fourth[byte])))
    return total


@njit(cache=True, nogil=True)
def _others(codes, query):  # type: ignore[no-untyped-def]
    total = np.int32(0)
    for place in range(len(codes)):
        total = np.int32(total + np.int32(np.int32(codes[place]) * np.int32(query[place])))
    return total


@njit(cache=True, nogil=True)
def decode(packed, second, dim, rows):  # type: ignore[no-untyped-def]
    """The rows float32 [b, D] that both levels stand for."""
    half, last = packed.shape[1] - FACTORS, packed.shape[1] // 4
    quarter, after = half // 2, FACTORS + half + half // 2
    factors, others = packed.view(np.float32), second.view(np.float32)
    for row in range(len(rows)):
        for place in range(rows.shape[1]):
            if place >= dim:
                rows[row, place] = others[row, 1] + others[row, 0] * second[row, after + place - dim]
                continue
            byte, shift = (place, 0) if place < half else (place - half, 4)
            rest = ((second[row, FACTORS + byte] >> shift) & 15) << 2
            rest |= (second[row, FACTORS + half + place % quarter] >> (2 * (place // quarter))) & 3
            whole = (((packed[row, byte] >> shift) & 15) * 64 + rest - np.float32(31.5)) / 64
            rows[row, place] = factors[row, last - 1] + factors[row, last - 2] * whole


@njit(cache=True, nogil=True)
def nearest(packed, rows, queries, sums, ids):  # type: ignore[no-untyped-def]
    """The best of these rows (int32 [m]) for each query by the first level, best first: to ids int32 [q, c], -1 pads."""
    keys, lines, width = np.empty(ids.shape[1], np.float32), packed.shape[1] // LINE, packed.shape[1]
    factors, base, last = packed.view(np.float32), packed.ctypes.data, packed.shape[1] // 4
    for query in range(len(queries)):
        size, address = 0, queries[query].ctypes.data
        for place in range(len(rows)):
            if place + AHEAD < len(rows):
                ahead = base + np.uintp(rows[place + AHEAD]) * np.uintp(width)
                for line in range(lines):
                    prefetch(ahead + np.uintp(line * LINE))
            row = rows[place]
            product = np.float32(dot(base + np.uintp(row) * np.uintp(width), address, lines))
            key = factors[row, last - 2] * product + factors[row, last - 1] * sums[query]
            if size < len(keys) or key > keys[size - 1]:
                size = put(ids[query], keys, size, row, key)
        ids[query, size:] = -1


@njit(cache=True, nogil=True)
def chosen(scores, candidates, order, rows, best):  # type: ignore[no-untyped-def]
    """The k best candidates of each query under their outer names, ties by the smaller: to rows int32 and best float32 [q, k], padded."""
    k = rows.shape[1]
    for query in range(len(scores)):
        size = 0
        for place in range(scores.shape[1]):
            if candidates[query, place] < 0:
                continue
            row, value = order[candidates[query, place]], scores[query, place]
            if size == k and (value < best[query, k - 1] or (value == best[query, k - 1] and row > rows[query, k - 1])):
                continue
            spot = size if size < k else k - 1
            size = min(size + 1, k)
            while spot > 0 and (best[query, spot - 1] < value or (best[query, spot - 1] == value and rows[query, spot - 1] > row)):
                best[query, spot], rows[query, spot] = best[query, spot - 1], rows[query, spot - 1]
                spot -= 1
            best[query, spot], rows[query, spot] = value, row
        for place in range(size, k):
            best[query, place], rows[query, place] = -np.inf, -1
