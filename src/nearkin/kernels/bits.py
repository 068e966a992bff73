"""Scores of stacked bits: each number is (u + 1) bits, held as u + 1 planes of one bit a dimension.

A number is b = sum_i 2^-i s_i with s_i in {-1, +1}, so with B = 2^u b, an odd integer,

    <B, B'> = sum_ij 2^(2u - i - j) (m - 2 popcount(x_i xor x'_j))

is an integer, and the score <B, B'> / sqrt(<B, B> <B', B'>) of packed bits equals that of the floats b to the last bit: the factor
2^2u cancels, and everything under the root and above the line is exact in float64 (for m (2^(u + 1) - 1)^2 < 2^26).
Source: the symmetric distance of BEBR (paper 39); a popcount takes the place of its table of 4-bit products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from nearkin.errors import ShapeError

BLOCK = 2048  # items scored for all queries before the next ones; their bits stay in the second-level cache


@intrinsic  # type: ignore[misc]
def popcount(_context: Any, _word: Any) -> Any:
    """Ones in a word of 64 bits: one instruction."""
    return types.uint64(types.uint64), lambda _context, builder, _signature, words: builder.ctpop(words[0])


def packed(symbols: np.ndarray, planes: int) -> np.ndarray:
    """Symbols 0 and 1 [n, planes * m] to uint64 [n, planes, ceil(m / 64)]; the last word of each plane is filled with 0."""
    if planes < 1 or symbols.shape[1] % planes:
        raise ShapeError(f"{symbols.shape[1]} bits are not {planes} planes of one length; the codes must hold planes * dims bits")
    n, dim = len(symbols), symbols.shape[1] // planes
    octets = np.zeros((n, planes, -(-dim // 64) * 8), np.uint8)
    octets[:, :, : -(-dim // 8)] = np.packbits(symbols.reshape(n, planes, dim).astype(np.bool_, copy=False), axis=2, bitorder="little")
    return octets.view("<u8")


def expanded(bits: np.ndarray, dim: int) -> np.ndarray:
    """The numbers b that packed bits stand for: uint64 [n, planes, words] -> float32 [n, dim]."""
    planes = bits.shape[1]
    octets = np.ascontiguousarray(bits).view(np.uint8)
    signs = np.unpackbits(octets, axis=2, count=dim, bitorder="little").astype(np.float32) * 2 - 1
    return np.einsum("npd,p->nd", signs, np.float32(0.5) ** np.arange(planes, dtype=np.float32))


@njit(cache=True, nogil=True, inline="always")
def _one(left, right, dim):  # type: ignore[no-untyped-def]
    """<B, B'> of one plane each: the number of equal bits less that of others."""
    unlike = np.int64(0)
    for word in range(left.shape[1]):
        unlike += np.int64(popcount(left[0, word] ^ right[0, word]))
    return dim - 2 * unlike


@njit(cache=True, nogil=True, inline="always")
def _two(left, right, dim):  # type: ignore[no-untyped-def]
    """<B, B'> of two planes each; unrolled, since bits of one word meet while they are in registers."""
    unlike = np.int64(0)
    for word in range(left.shape[1]):
        a, b, x, y = left[0, word], left[1, word], right[0, word], right[1, word]
        unlike += np.int64(4 * popcount(a ^ x) + 2 * (popcount(a ^ y) + popcount(b ^ x)) + popcount(b ^ y))
    return 9 * dim - 2 * unlike


@njit(cache=True, nogil=True, inline="always")
def _many(left, right, dim):  # type: ignore[no-untyped-def]
    """<B, B'> of any number of planes."""
    planes, unlike = left.shape[0], np.int64(0)
    for i in range(planes):
        for j in range(planes):
            count = np.int64(0)
            for word in range(left.shape[1]):
                count += np.int64(popcount(left[i, word] ^ right[j, word]))
            unlike += count << (2 * (planes - 1) - i - j)
    return dim * (2**planes - 1) ** 2 - 2 * unlike


@njit(cache=True, nogil=True)
def dots(bits, query, dim, out):  # type: ignore[no-untyped-def]
    """<B, B'> of items uint64 [n, planes, words] with one query uint64 [planes, words], written to out int64 [n]."""
    if bits.shape[1] == 1:
        for row in range(len(bits)):
            out[row] = _one(bits[row], query, dim)
    elif bits.shape[1] == 2:
        for row in range(len(bits)):
            out[row] = _two(bits[row], query, dim)
    else:
        for row in range(len(bits)):
            out[row] = _many(bits[row], query, dim)


@njit(cache=True, nogil=True)
def squares(bits, dim):  # type: ignore[no-untyped-def]
    """<B, B> of each item: the square of its norm, an integer, int32 [n]."""
    found, one = np.empty(len(bits), np.int32), np.empty(1, np.int64)
    for row in range(len(bits)):
        dots(bits[row : row + 1], bits[row], dim, one)
        found[row] = one[0]
    return found


@njit(cache=True, nogil=True)
def scores(bits, square, query, query_square, dim):  # type: ignore[no-untyped-def]
    """Cosines of items uint64 [n, planes, words] with one query, float32 [n]; square: <B, B> of each item."""
    products, found = np.empty(len(bits), np.int64), np.empty(len(bits), np.float32)
    dots(bits, query, dim, products)
    for row in range(len(bits)):
        found[row] = products[row] / np.sqrt(np.float64(square[row]) * query_square)
    return found


@njit(cache=True, nogil=True)
def hamming(bits, query):  # type: ignore[no-untyped-def]
    """Bits that differ between items uint64 [n, planes, words] and one query uint64 [planes, words]: int32 [n]."""
    found = np.zeros(len(bits), np.int32)
    for row in range(len(bits)):
        for plane in range(bits.shape[1]):
            for word in range(bits.shape[2]):
                found[row] += np.int32(popcount(bits[row, plane, word] ^ query[plane, word]))
    return found


@njit(cache=True, nogil=True)
def search(bits, square, rows, barred, offsets, queries, query_squares, dim, askers, starts, best, found):  # type: ignore[no-untyped-def]
    """The k best items of each query among the lists it asks, as heaps: float32 best and int32 found [q, k], in no order.

    Items of list l stand at places offsets[l] to offsets[l + 1]; rows: the row of the item at each place; barred: bool by row.
    Queries that ask list l: askers[starts[l] : starts[l + 1]]. Of equal scores the lower row is better. Start: -inf and -1.
    """
    for each in range(len(offsets) - 1):
        for low in range(offsets[each], offsets[each + 1], BLOCK):
            high = min(low + BLOCK, offsets[each + 1])
            for place in range(starts[each], starts[each + 1]):
                query = askers[place]
                got = scores(bits[low:high], square[low:high], queries[query], query_squares[query], dim)
                _keep(got, rows[low:high], barred, best[query], found[query])


@njit(cache=True, nogil=True)
def _keep(got, rows, barred, best, found):  # type: ignore[no-untyped-def]
    """Put what is better than the worst kept into the heap, whose root is the worst."""
    for place in range(len(got)):
        score, row = got[place], rows[place]
        if score >= best[0] and not barred[row] and (score > best[0] or row < found[0]):
            _replace_worst(best, found, score, row)


@njit(cache=True, nogil=True)
def _replace_worst(best, found, score, row):  # type: ignore[no-untyped-def]
    """Put a hit in the place of the worst: lower score, or the same and a higher row."""
    place, size = 0, len(best)
    while 2 * place + 1 < size:
        child = 2 * place + 1
        other = child + 1
        if other < size and (best[other] < best[child] or (best[other] == best[child] and found[other] > found[child])):
            child = other
        if best[child] > score or (best[child] == score and found[child] < row):
            break
        best[place], found[place] = best[child], found[child]
        place = child
    best[place], found[place] = score, row
