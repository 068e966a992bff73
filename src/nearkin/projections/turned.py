"""A projection followed by a random rotation, so that all its dimensions have about the same range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.projections.linear import Linear
from nearkin.projections.moments import Moments
from nearkin.stage import Pipeline, Projection, Stage, fitted, learned
from nearkin.tables import Vectors


@dataclass(kw_only=True)
class Turned(Projection):
    """y = R P(x), R a random rotation drawn from `seed`; inner products are those of P, for items and queries.

    Vectors[n, d] -> Vectors[n, dim], float32. Leading eigenvectors put most of the range into the first numbers, which a code with one
    step for all numbers of a vector (LVQ) pays for: with 4 bits the rotation is worth 1 to 4 points of recall.
    Cost: that of P and dim^2 a row. Refused: what P refuses.
    """

    projection: Projection
    seed: int = 0
    turn_: np.ndarray | None = learned()  # float32 [dim, dim], orthonormal

    def fit(self, items: Vectors, *queries: Vectors) -> Self:
        """Fit the projection on what it learns from (items, and queries where it wants them), then draw the rotation."""
        learner: Any = self.projection
        return self._drawn(learner.fit(items, *queries)(items.take([0])).dim)

    def fit_moments(self, *parts: Moments) -> Self:
        """The same from moments gathered before, for a projection that learns from them."""
        learner: Any = self.projection
        return self._drawn(len(learner.fit_moments(*parts).matrix_))

    def _drawn(self, dim: int) -> Self:
        square, upper = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((dim, dim)))
        self.turn_ = (square * np.sign(np.diag(upper))).astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Vectors:
        return Linear(matrix=fitted(self).turn_)(self.projection(vectors))

    def asking(self) -> Stage:
        return Pipeline((self.projection.asking(), Linear(matrix=fitted(self).turn_)))
