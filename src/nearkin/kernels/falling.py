"""A list of bounded length that keeps the largest keys, falling."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def put(ids, keys, size, row, key):  # type: ignore[no-untyped-def]
    """Put a row into a falling list of bounded length; gives its size."""
    if size == len(ids):
        if key <= keys[size - 1]:
            return size
        spot = size - 1
    else:
        spot = size
        size += 1
    while spot > 0 and keys[spot - 1] < key:
        keys[spot], ids[spot] = keys[spot - 1], ids[spot - 1]
        spot -= 1
    keys[spot], ids[spot] = key, row
    return size


@njit(cache=True, nogil=True)
def best_columns(table, ids):  # type: ignore[no-untyped-def]
    """The columns with the largest numbers of each row, falling: float32 [b, n] to ids int32 [b, c], c <= n."""
    keys = np.empty(ids.shape[1], np.float32)
    for row in range(len(table)):
        size = 0
        for column in range(table.shape[1]):
            if size < len(keys) or table[row, column] > keys[size - 1]:
                size = put(ids[row], keys, size, column, table[row, column])
