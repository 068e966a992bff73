"""The directions of most variance, each brought to variance one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.projections.linear import check_dim, multiplied
from nearkin.projections.moments import Moments, leading
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class Whitening(Projection):
    """Principal components divided by their spread: y_j = p_j . (x - mean) / sqrt(variance_j + floor); uncorrelated, of variance 1.

    Vectors[n, d] -> Vectors[n, dim], float32. floor = ridge * the mean variance keeps directions without variance (constant dimensions,
    fewer vectors than dim) from blowing up: they become 0 on the sample.
    Cost: n * d^2 to fit, one pass. Refused: dim outside 1..d, no vectors, another d later.
    """

    dim: int = 128
    ridge: float = 1e-6
    matrix_: np.ndarray | None = learned()  # float32 [dim, d]
    mean_: np.ndarray | None = learned()  # float32 [d]

    def fit(self, items: Vectors) -> Self:
        return self.fit_moments(Moments.of(items))

    def fit_moments(self, items: Moments) -> Self:
        """Learn from moments gathered before, by parts."""
        check_dim(self, self.dim, items.dim)
        variances, rows = leading(items.covariance, self.dim)
        floor = self.ridge * np.trace(items.covariance) / items.dim + np.finfo(np.float64).tiny
        self.matrix_ = (rows / np.sqrt(np.maximum(variances, 0) + floor)[:, None]).astype(np.float32)
        self.mean_ = items.mean.astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, fitted(self).matrix_, self.mean_)
