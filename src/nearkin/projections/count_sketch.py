"""A projection that costs one addition a number: each dimension is added to a random place, with a random sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.projections.linear import check_dim, check_vectors
from nearkin.projections.moments import BLOCK
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class CountSketch(Projection):
    """y_j = sum of sign_i * x_i over the dimensions i that were dealt to place j: inner products are right on average.

    Vectors[n, d] -> Vectors[n, dim], float32; linear. For very long vectors, where a full matrix would be large and slow.
    Cost: n * d additions; memory 5 d bytes. Refused: dim outside 1..d, another d later.
    Source: Charikar, Chen and Farach-Colton, "Finding frequent items in data streams", 2002.
    """

    dim: int = 128
    seed: int = 0
    places_: np.ndarray | None = learned()  # int32 [d], below dim
    signs_: np.ndarray | None = learned()  # int8 [d], -1 or 1

    def fit(self, items: Vectors) -> Self:
        check_dim(self, self.dim, items.dim)
        random = np.random.default_rng(self.seed)
        self.places_ = random.integers(0, self.dim, items.dim, np.int32)
        self.signs_ = (random.integers(0, 2, items.dim) * 2 - 1).astype(np.int8)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        from scipy.sparse import csr_array

        places, signs = fitted(self).places_, self.signs_
        check_vectors(self, vectors, len(places))
        dealt = csr_array((signs.astype(np.float32), places, np.arange(len(places) + 1)), shape=(len(places), self.dim))
        found = np.empty((len(vectors), self.dim), np.float32)
        for start in range(0, len(vectors), BLOCK):
            found[start : start + BLOCK] = np.asarray(vectors.rows[start : start + BLOCK], np.float32) @ dealt
        return Vectors(found, vectors.things)
