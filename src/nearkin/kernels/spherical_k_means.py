"""Spherical k-means over plain rows: centres on the sphere, each row with the centre of the highest cosine."""

from __future__ import annotations

import numpy as np

from nearkin.tables import unit

BLOCK = 8192  # rows compared with the centres at once


def centres_of(rows: np.ndarray, count: int, *, rounds: int, seed: int) -> np.ndarray:
    """min(count, n) centres, float32 [c, d] of length 1, of rows float32 [n, d] of length 1; stops when no row moves.

    Started by k-means++ draws. Cost: rounds * n * c * d.
    """
    centres = _started(rows, min(count, len(rows)), np.random.default_rng(seed))
    before = np.full(len(rows), -1)
    for _ in range(rounds):
        own, cosines = nearest(rows, centres)
        if (own == before).all():
            break
        before, centres = own, _moved(rows, own, cosines, len(centres))
    return centres


def _started(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Centres drawn from the rows, each with a chance in proportion to its distance from those drawn before."""
    chosen = [int(random.integers(len(rows)))]
    distance = 1 - rows @ rows[chosen[0]]
    while len(chosen) < count:
        chance = np.maximum(distance, 0).astype(np.float64)
        total = chance.sum()
        chosen.append(int(random.choice(len(rows), p=chance / total if total > 0 else None)))
        distance = np.minimum(distance, 1 - rows @ rows[chosen[-1]])
    return rows[chosen]


def nearest(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the nearest centre and the cosine with it, for each row: int64 [n], float32 [n]."""
    own, cosines = np.empty(len(rows), np.int64), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] @ centres.T
        own[start : start + BLOCK] = block.argmax(1)
        cosines[start : start + BLOCK] = block.max(1)
    return own, cosines


def _moved(rows: np.ndarray, own: np.ndarray, cosines: np.ndarray, count: int) -> np.ndarray:
    """The direction of the sum of each centre's rows; a centre without rows takes one of those worst served."""
    sums = np.zeros((count, rows.shape[1]), np.float32)
    np.add.at(sums, own, rows)
    empty = np.flatnonzero(np.bincount(own, minlength=count) == 0)
    sums[empty] = rows[np.argsort(cosines, kind="stable")[: len(empty)]]
    return unit(sums)
