"""Inner products of many rows with many vectors, four by two at a time: each number read serves several products."""

from __future__ import annotations

import numpy as np
from numba import njit

SHIFT = np.float32(2.0**112)  # between the exponents of float16 and float32


@njit(cache=True, nogil=True, fastmath=True)
def four_by_two(rows, start, left, right):  # type: ignore[no-untyped-def]
    """Products of rows start..start+3 of float32 [m, d] with two vectors float32 [d]: four with the left, then four with the right.

    Each is summed in an order that depends on d alone, so it is the same, to the last bit, whatever it is worked out along with.
    """
    a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    e, f, g, h = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for place in range(len(left)):
        x, y = left[place], right[place]
        first, second, third, fourth = rows[start, place], rows[start + 1, place], rows[start + 2, place], rows[start + 3, place]
        a += first * x
        b += second * x
        c += third * x
        d += fourth * x
        e += first * y
        f += second * y
        g += third * y
        h += fourth * y
    return a, b, c, d, e, f, g, h


@njit(cache=True, nogil=True)
def products(rows, vectors, found):  # type: ignore[no-untyped-def]
    """found[i, j] = <vectors[i], rows[j]>: float32 [m, d], m a multiple of four, and [t, d] -> found float32 [t, m]."""
    for token in range(0, len(vectors), 2):
        other = min(token + 1, len(vectors) - 1)  # the last of an odd number stands in for both
        for start in range(0, len(rows), 4):
            a, b, c, d, e, f, g, h = four_by_two(rows, start, vectors[token], vectors[other])
            one, two = found[token], found[other]
            one[start], one[start + 1], one[start + 2], one[start + 3] = a, b, c, d
            two[start], two[start + 1], two[start + 2], two[start + 3] = e, f, g, h


@njit(cache=True, nogil=True)
def widened(halves, whole):  # type: ignore[no-untyped-def]
    """float16 [d], read as uint16, to float32 [d]; exact for all finite numbers."""
    bits = whole.view(np.uint32)
    for place in range(len(halves)):
        half = np.uint32(halves[place])
        bits[place] = ((half & np.uint32(0x8000)) << np.uint32(16)) | ((half & np.uint32(0x7FFF)) << np.uint32(13))
    for place in range(len(halves)):
        whole[place] *= SHIFT


@njit(cache=True, nogil=True)
def copied(rows, start, stop, whole):  # type: ignore[no-untyped-def]
    """Rows start..stop of float32 [n, d], or of float16 read as uint16, as float32 at the head of `whole`; gives that part of it."""
    for row in range(start, stop):
        if rows.itemsize == 2:
            widened(rows[row], whole[row - start])
        else:
            whole[row - start] = rows[row]
    return whole[: stop - start]


def padded(rows: np.ndarray) -> np.ndarray:
    """Rows as float32, with rows of zeros up to a multiple of four."""
    whole = np.zeros((-(-len(rows) // 4) * 4, rows.shape[1]), np.float32)
    whole[: len(rows)] = rows
    return whole


def bits_of(rows: np.ndarray) -> np.ndarray:
    """Rows as these kernels read them: float32 as they are, float16 as uint16; nothing is copied."""
    rows = np.asarray(rows)
    return rows.view(np.uint16) if rows.dtype == np.float16 else rows
