"""Loops over lists that rise: joining the posting lists of two ranges of items, counting what some items hold, what one list lacks."""

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


@njit(cache=True, nogil=True)
def count_held(offsets, places, some, held):  # type: ignore[no-untyped-def]
    """How many of some items (bool, by place) hold each term, into held, int64 [terms]."""
    for term in range(len(offsets) - 1):
        count = 0
        for place in range(offsets[term], offsets[term + 1]):
            count += some[places[place]]
        held[term] = count


@njit(cache=True, nogil=True)
def left_out(numbers, others):  # type: ignore[no-untyped-def]
    """Which numbers are not among the others: bool; both rise, and are read once."""
    found, place = np.empty(len(numbers), np.bool_), 0
    for row in range(len(numbers)):
        while place < len(others) and others[place] < numbers[row]:
            place += 1
        found[row] = place == len(others) or others[place] != numbers[row]
    return found
