"""Vectors to the number of their nearest centre on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.stage import Stage, fitted, learned
from nearkin.tables import Codes, Vectors, unit

BLOCK = 8192  # rows compared with the centres at once


@dataclass(kw_only=True)
class SphericalKMeans(Stage):
    """k-means by cosine: directions are clustered, lengths play no part (by length, clusters would be classes of popularity).

    Vectors[n, d] -> Codes[n, 1], codebook size min(codebook_size, n). Each round gives every row to the centre with the highest
    cosine (ties to the lower number) and makes each centre the direction of the sum of its rows; a centre left without rows takes
    the row worst served, so that no cluster stays empty while rows are distinct. Started by k-means++ draws from `seed`; stops
    when nothing moves. Cost: rounds * n * codebook_size * d. Refused: fewer than one centre, no rows.
    Source: Dhillon and Modha, "Concept decompositions for large sparse text data", 2001; Arthur and Vassilvitskii 2007 for the start.
    """

    codebook_size: int = 64
    rounds: int = 25
    seed: int = 0
    centres_: np.ndarray | None = learned()  # float32 [codebook_size, d], rows of length 1

    takes = Vectors
    gives = Codes

    def fit(self, vectors: Vectors) -> Self:
        if self.codebook_size < 1 or not len(vectors):
            raise BadInput(f"k-means needs a centre and a row at least; got {self.codebook_size} centres, {len(vectors)} rows")
        rows = unit(vectors.rows)
        centres = _started(rows, min(self.codebook_size, len(rows)), np.random.default_rng(self.seed))
        before = np.full(len(rows), -1)
        for _ in range(self.rounds):
            nearest, cosines = _nearest(rows, centres)
            if (nearest == before).all():
                break
            before, centres = nearest, _moved(rows, nearest, cosines, len(centres))
        self.centres_ = centres
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        centres = fitted(self).centres_
        nearest, _ = _nearest(unit(vectors.rows), centres)
        return Codes(nearest[:, None], [len(centres)], vectors.things)


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


def _nearest(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the nearest centre and the cosine with it, for each row: int64 [n], float32 [n]."""
    nearest, cosines = np.empty(len(rows), np.int64), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] @ centres.T
        nearest[start : start + BLOCK] = block.argmax(1)
        cosines[start : start + BLOCK] = block.max(1)
    return nearest, cosines


def _moved(rows: np.ndarray, nearest: np.ndarray, cosines: np.ndarray, count: int) -> np.ndarray:
    """The direction of the sum of each centre's rows; a centre without rows takes one of those worst served."""
    sums = np.zeros((count, rows.shape[1]), np.float32)
    np.add.at(sums, nearest, rows)
    empty = np.flatnonzero(np.bincount(nearest, minlength=count) == 0)
    sums[empty] = rows[np.argsort(cosines, kind="stable")[: len(empty)]]
    return unit(sums)
