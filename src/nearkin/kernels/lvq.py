"""Locally adaptive vector quantisation: each row on a grid of its own, and products of such rows with a float query.

    x_i is held as low + step * c_i,  c_i in 0..most,  low = min x, step = (max x - min x) / most
    <q, x> is then step * sum q_i c_i + low * sum q_i

A second level holds the rest r_i = x_i - low - step * c_i, which lies in -step/2..step/2, on a grid of an odd number of cells of that
interval, so that 0 is on it and no number is held worse than before: r_i as (e_i - (cells - 1) / 2) * step / cells, e_i in 0..cells - 1.
Products sum in 32 lanes, number i in lane i mod 32, in float32: packed and plain symbols give the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 32


@njit(cache=True, nogil=True)
def encode(rows, most, symbols, steps, lows):  # type: ignore[no-untyped-def]
    """Rows float32 [n, d] to symbols uint8 [n, d], steps and lows float32 [n]."""
    for row in range(len(rows)):
        low = high = rows[row, 0] if rows.shape[1] else np.float32(0)
        for value in rows[row]:
            low, high = min(low, value), max(high, value)
        step = np.float32((np.float64(high) - np.float64(low)) / most)
        steps[row], lows[row] = step, low
        for place in range(rows.shape[1]):
            value = (np.float64(rows[row, place]) - np.float64(low)) / np.float64(step) if step > 0 else 0.0
            symbols[row, place] = np.uint8(min(max(np.rint(value), 0.0), float(most)))


@njit(cache=True, nogil=True)
def encode_rest(rows, symbols, steps, lows, cells, rest):  # type: ignore[no-untyped-def]
    """What the first level left of each number, on a grid of `cells` (odd, below 256): to rest uint8 [n, d]."""
    half = (cells - 1) // 2
    for row in range(len(rows)):
        step, low = np.float64(steps[row]), np.float64(lows[row])
        for place in range(rows.shape[1]):
            left = np.float64(rows[row, place]) - low - step * symbols[row, place]
            value = np.rint(left / (step / cells)) if step > 0 else 0.0
            rest[row, place] = np.uint8(min(max(value, -float(half)), float(half)) + half)


@njit(cache=True, nogil=True)
def products(symbols, steps, lows, query, total, scores):  # type: ignore[no-untyped-def]
    """Inner products of rows with a query float32 [d], to scores float32 [n]; symbols: uint8 [n, d]; total: the sum of the query."""
    sums = np.empty(LANES, np.float32)
    for row in range(len(symbols)):
        scores[row] = steps[row] * _product(symbols[row], query, sums) + lows[row] * total


@njit(cache=True, nogil=True)
def packed_products(packed, steps, lows, query, total, scores):  # type: ignore[no-untyped-def]
    """`products` of packed rows uint8 [n, ceil(d / 2)], taken apart row by row."""
    sums, width = np.empty(LANES, np.float32), packed.shape[1]
    symbols = np.empty(2 * width, np.uint8)
    for row in range(len(packed)):
        _take_apart(packed[row], symbols[:width], symbols[width:])
        scores[row] = steps[row] * _product(symbols, query, sums) + lows[row] * total


@njit(cache=True, nogil=True)
def _take_apart(packed, low, high):  # type: ignore[no-untyped-def]
    for place in range(len(packed)):
        low[place] = packed[place] & np.uint8(15)
    for place in range(len(packed)):
        high[place] = packed[place] >> np.uint8(4)


@njit(cache=True, nogil=True)
def _product(symbols, query, sums):  # type: ignore[no-untyped-def]
    """The sum over the query's numbers of q_i c_i, lane by lane, then halves of the lanes together."""
    sums[:] = 0
    whole = len(query) - len(query) % LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):  # an inner loop of fixed length becomes a few wide instructions
            sums[lane] += query[start + lane] * np.float32(symbols[start + lane])
    for place in range(whole, len(query)):
        sums[place - whole] += query[place] * np.float32(symbols[place])
    half = LANES // 2
    while half:
        for lane in range(half):
            sums[lane] += sums[half + lane]
        half //= 2
    return sums[0]


def pack(symbols: np.ndarray) -> np.ndarray:
    """Symbols below 16, uint8 [n, d], two a byte: uint8 [n, ceil(d / 2)], byte i holding those of i (low half) and ceil(d / 2) + i."""
    width = -(-symbols.shape[1] // 2)
    packed = symbols[:, :width].copy()
    packed[:, : symbols.shape[1] - width] |= symbols[:, width:] << 4
    return packed


def unpack(packed: np.ndarray, dim: int) -> np.ndarray:
    """The symbols that were packed: uint8 [n, dim]."""
    return np.concatenate([packed & 15, packed >> 4], axis=1)[:, :dim]
