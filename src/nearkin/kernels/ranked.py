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


BINS = 1024
FEW = 32  # keys of one bin that are still put in order one by one


@njit(cache=True, nogil=True)
def take_ordered(keys, count, k, spare, bins):  # type: ignore[no-untyped-def]
    """The k largest of keys[:count] into spare, from the largest to the smallest; gives how many. bins: int32 [BINS + 1].

    A histogram of the scores, in which larger ones fall into earlier bins, tells which keys can be among the k largest and where each
    bin begins; what then is out of order is so within a bin. About 5 ns a key and 10 a key taken, a third of a selection and a sort.
    """
    scores = keys.view(np.float32)
    most, least = scores[1], scores[1]
    for place in range(count):
        most, least = max(most, scores[2 * place + 1]), min(least, scores[2 * place + 1])
    scale = np.float32(BINS - 1) / (most - least) if most > least else np.float32(0)
    bins[:] = 0
    if np.isinf(scale):
        scale = np.float32(0)
    for place in range(count):
        bins[np.uint32((most - scores[2 * place + 1]) * scale) + np.uint32(1)] += 1
    last, widest = 0, 0
    while last < BINS and bins[last] < k:
        widest = max(widest, bins[last + 1])
        bins[last + 1] += bins[last]
        last += 1
    taken = bins[last]
    for place in range(count):
        key, own = keys[place], np.uint32((most - scores[2 * place + 1]) * scale)
        if own < np.uint32(last):
            spare[np.uint32(bins[own])] = key
            bins[own] += 1
    if widest > FEW:
        start = 0
        for own in range(last):
            if bins[own] - start > FEW:
                sort_falling(spare[start : bins[own]], bins[own] - start)
            start = bins[own]
    _sort_nearly(spare, taken)
    return min(taken, k)


@njit(cache=True, nogil=True)
def _sort_nearly(keys, count):  # type: ignore[no-untyped-def]
    """Order keys that are not far from their places, from the largest to the smallest."""
    for place in range(1, count):
        key, gap = keys[place], place
        while gap > 0 and keys[gap - 1] < key:
            keys[gap] = keys[gap - 1]
            gap -= 1
        keys[gap] = key
