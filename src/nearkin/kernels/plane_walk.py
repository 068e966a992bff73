"""Move points on a plane until neighbours are near each other and others are not."""

from __future__ import annotations

import numpy as np
from numba import njit

NEAR = 1e-3  # added to squared distances, so that no push is endless
MOST = 4.0  # of one coordinate in one move


@njit(cache=True, nogil=True)
def move(places, heads, tails, chances, epochs, rate, pushes, seed):  # type: ignore[no-untyped-def]
    """Draw each edge in each epoch with its chance: its ends come nearer, and its head moves off `pushes` points drawn evenly.

    places: float32 [n, 2], moved where they stand; heads, tails: int32 [e]; chances: float32 [e], of 0 to 1. Likeness of two points is
    1 / (1 + d^2); a pull follows its logarithm, a push that of what is left of 1; steps shrink from `rate` to 0.
    One thread and one generator (xorshift), so that a seed has one answer. Cost: epochs * sum of chances * (1 + pushes) moves.
    """
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x2545F4914F6CDD1D)
    count = np.uint64(len(places))
    for epoch in range(epochs):
        step = np.float32(rate * (1.0 - epoch / epochs))
        for edge in range(len(heads)):
            state = _next(state)
            if np.float32(state >> np.uint64(40)) * np.float32(2.0**-24) >= chances[edge]:
                continue
            head, tail = heads[edge], tails[edge]
            x, y = places[head, 0] - places[tail, 0], places[head, 1] - places[tail, 1]
            pull = np.float32(-2.0) / (np.float32(1.0) + x * x + y * y)
            x, y = _bounded(pull * x) * step, _bounded(pull * y) * step
            places[head, 0] += x
            places[head, 1] += y
            places[tail, 0] -= x
            places[tail, 1] -= y
            for _ in range(pushes):
                state = _next(state)
                other = np.int64((state >> np.uint64(16)) % count)
                if other == head:
                    continue
                x, y = places[head, 0] - places[other, 0], places[head, 1] - places[other, 1]
                far = x * x + y * y
                push = np.float32(2.0) / ((np.float32(NEAR) + far) * (np.float32(1.0) + far))
                places[head, 0] += _bounded(push * x) * step
                places[head, 1] += _bounded(push * y) * step


@njit(cache=True, nogil=True)
def _next(state):  # type: ignore[no-untyped-def]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(cache=True, nogil=True)
def _bounded(value):  # type: ignore[no-untyped-def]
    return min(np.float32(MOST), max(np.float32(-MOST), value))
