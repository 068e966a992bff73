"""A projection that learns nothing but the dim: random signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.projections.linear import check_dim, multiplied
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class RandomProjection(Projection):
    """y = S x / sqrt(dim) with entries of S drawn from -1 and 1: inner products are right on average, with variance about 1 / dim.

    Vectors[n, d] -> Vectors[n, dim], float32; linear. Cost: n * d * dim. Refused: dim outside 1..d, another d later.
    Source: Achlioptas, "Database-friendly random projections", 2001.
    """

    dim: int = 128
    seed: int = 0
    matrix_: np.ndarray | None = learned()  # float32 [dim, d]

    def fit(self, items: Vectors) -> Self:
        check_dim(self, self.dim, items.dim)
        signs = np.random.default_rng(self.seed).integers(0, 2, (self.dim, items.dim)) * 2 - 1
        self.matrix_ = (signs / np.sqrt(self.dim)).astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, fitted(self).matrix_)
