"""Vectors to the number of their nearest centre on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.kernels.spherical_k_means import centres_of, nearest
from nearkin.stage import Stage, fitted, learned
from nearkin.tables import Codes, Vectors, unit


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
        self.centres_ = centres_of(unit(vectors.rows), self.codebook_size, rounds=self.rounds, seed=self.seed)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        centres = fitted(self).centres_
        own, _ = nearest(unit(vectors.rows), centres)
        return Codes(own[:, None], [len(centres)], vectors.things)
