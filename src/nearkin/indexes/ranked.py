"""The k best of a stream of scored rows, exactly: the bookkeeping that the kernels of several indexes share.

A candidate is one uint64 key: the bits of its float32 score above, the complement of its row below. Bits of floats that are not
negative rise with the float, so a larger key is a higher score or, of equal scores, a lower row; no two keys are the same.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True, inline="always")
def key_of(bits, row):  # type: ignore[no-untyped-def]
    """Bits of a score >= 0 as an integer, and a row, as one key."""
    return (np.uint64(bits) << np.uint64(32)) | (_LOW - np.uint64(row))


@njit(cache=True, nogil=True, inline="always")
def row_of(key):  # type: ignore[no-untyped-def]
    return np.int32(_LOW - (key & _LOW))


@njit(cache=True, nogil=True)
def keep_largest(keys, count, k):  # type: ignore[no-untyped-def]
    """Move the k largest of keys[:count] to the front, in any order, the smallest of them to place k - 1."""
    low, high, goal = 0, count - 1, k - 1
    while low < high:
        pivot = keys[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while keys[left] > pivot:
                left += 1
            while keys[right] < pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left += 1
                right -= 1
        if goal <= right:
            high = right
        elif goal >= left:
            low = left
        else:
            break


@njit(cache=True, nogil=True)
def push(keys, count, floor, key, k):  # type: ignore[no-untyped-def]
    """Put a key above the floor into the buffer; a full buffer is cut to its k largest, the least of which is the new floor."""
    keys[count] = key
    count += 1
    if count == len(keys):
        keep_largest(keys, count, k)
        count, floor = k, keys[k - 1]
    return count, floor


@njit(cache=True, nogil=True)
def sort_falling(keys, count):  # type: ignore[no-untyped-def]
    """Order keys[:count] from the largest to the smallest."""
    if count > 64:
        _sort_by_bytes(keys, count)
        return
    for place in range(1, count):
        key, gap = keys[place], place
        while gap > 0 and keys[gap - 1] < key:
            keys[gap] = keys[gap - 1]
            gap -= 1
        keys[gap] = key


@njit(cache=True, nogil=True)
def _sort_by_bytes(keys, count):  # type: ignore[no-untyped-def]
    """Radix sort, falling, a byte at a time from the lowest; a byte that all keys share is passed over."""
    source, goal = keys[:count], np.empty(count, np.uint64)
    starts = np.empty(257, np.int64)
    for shift in range(0, 64, 8):
        starts[:] = 0
        for key in source:
            starts[256 - np.int64((key >> np.uint64(shift)) & np.uint64(255))] += 1
        if starts.max() == count:
            continue
        for byte in range(1, 257):
            starts[byte] += starts[byte - 1]
        for key in source:
            byte = 255 - np.int64((key >> np.uint64(shift)) & np.uint64(255))
            goal[starts[byte]] = key
            starts[byte] += 1
        source, goal = goal, source
    keys[:count] = source
