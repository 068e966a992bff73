"""The directions of most variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.projections.linear import check_dim, multiplied
from nearkin.projections.moments import Moments, leading
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class Pca(Projection):
    """Principal components: y = P (x - mean), P the `dim` leading eigenvectors of the covariance; distances are kept best.

    Vectors[n, d] -> Vectors[n, dim], float32. Not linear, as the mean is taken away; for inner products with queries see `LeanVec`.
    Cost: n * d^2 to fit, one pass. Refused: dim outside 1..d, no vectors, another d later.
    """

    dim: int = 128
    matrix_: np.ndarray | None = learned()  # float32 [dim, d], orthonormal rows
    mean_: np.ndarray | None = learned()  # float32 [d]

    def fit(self, items: Vectors) -> Self:
        return self.fit_moments(Moments.of(items))

    def fit_moments(self, items: Moments) -> Self:
        """Learn from moments gathered before, by parts."""
        check_dim(self, self.dim, items.dim)
        self.matrix_ = leading(items.covariance, self.dim)[1].astype(np.float32)
        self.mean_ = items.mean.astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, fitted(self).matrix_, self.mean_)
