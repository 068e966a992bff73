"""The loop that joins the posting lists of two ranges of items to one."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def merge(left, left_places, left_values, right, right_places, right_values, shift, offsets, places, values):  # type: ignore[no-untyped-def]
    """Lists of terms, each those of the left range and then those of the right one with `shift` added to the places.

    left, right: uint32 offsets; those of the left may be of fewer terms. Written: offsets of the whole, places, values.
    """
    head, known = 0, len(left) - 1
    for term in range(len(right) - 1):
        offsets[term] = np.uint32(head)
        if term < known:
            for place in range(left[term], left[term + 1]):
                places[head], values[head] = left_places[place], left_values[place]
                head += 1
        for place in range(right[term], right[term + 1]):
            places[head], values[head] = right_places[place] + shift, right_values[place]
            head += 1
    offsets[len(right) - 1] = np.uint32(head)
