"""Scores by tables: each symbol of a code picks one number of its level's table, and the numbers are added up.

With tables[q, level, symbol] = <query's part of this level, that centre> the sum is the inner product of a float query with the decoded
row (asymmetric distance computation; Jegou, Douze and Schmid, 2011), at one look-up a level instead of one product a number.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 2048  # rows scored for all queries before the next ones, so that their codes stay in the first-level cache


@njit(cache=True, nogil=True)
def table_scores(symbols, tables, scores):  # type: ignore[no-untyped-def]
    """symbols uint8 [n, levels], tables float32 [q, levels, codebook_size] -> scores float32 [q, n], written in place.

    Added up in float32 from level 0 upwards, so a row gets the same bits whatever it is scored along with. Cost: q * n * levels look-ups.
    """
    for base in range(0, len(symbols), BLOCK):
        last = min(base + BLOCK, len(symbols))
        for query in range(len(tables)):
            table, line = tables[query], scores[query]
            for row in range(base, last):
                total = np.float32(0)
                for level in range(symbols.shape[1]):
                    total += table[level, symbols[row, level]]
                line[row] = total


@njit(cache=True, nogil=True)
def nibble_scores(packed, levels, tables, scores):  # type: ignore[no-untyped-def]
    """As `table_scores`, bit for bit, for codebooks of 16 at most kept two symbols a byte (see `packed_nibbles`)."""
    for base in range(0, len(packed), BLOCK):
        last = min(base + BLOCK, len(packed))
        for query in range(len(tables)):
            table, line = tables[query], scores[query]
            for row in range(base, last):
                total = np.float32(0)
                for level in range(levels):
                    total += table[level, (packed[row, level >> 1] >> (4 * (level & 1))) & 15]
                line[row] = total


def packed_nibbles(symbols: np.ndarray) -> np.ndarray:
    """Symbols below 16, two a byte, even levels in the low half: uint8 [n, levels] -> uint8 [n, ceil(levels / 2)]."""
    even, odd = symbols[:, 0::2], symbols[:, 1::2]
    packed = even.copy()
    packed[:, : odd.shape[1]] |= odd << np.uint8(4)
    return packed
