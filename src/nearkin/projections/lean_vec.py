"""The projection that keeps inner products best when queries look like items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.projections.linear import check_dim, multiplied
from nearkin.projections.moments import Moments, leading
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class LeanVec(Projection):
    """LeanVec-ID: y = P x for items and queries alike, P the `dim` leading eigenvectors of the mean of x x^T (about zero, not the mean).

    Vectors[n, d] -> Vectors[n, dim], float32; linear. Among matrices with orthonormal rows P has the least error of inner products,
    |X^T P^T P X - X^T X|^2, when queries come from where the items come from; else see `LeanVecOod`.
    Cost: n * d^2 to fit, one pass. Refused: dim outside 1..d, no vectors, another d later.
    Source: Tepper, Bhati, Aguerrebere, Hildebrand and Willke, "LeanVec: searching vectors faster by making them fit", 2024.
    """

    dim: int = 128
    matrix_: np.ndarray | None = learned()  # float32 [dim, d], orthonormal rows

    def fit(self, items: Vectors) -> Self:
        return self.fit_moments(Moments.of(items))

    def fit_moments(self, items: Moments) -> Self:
        """Learn from moments gathered before, by parts."""
        check_dim(self, self.dim, items.dim)
        self.matrix_ = leading(items.second, self.dim)[1].astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, fitted(self).matrix_)
