"""Recommend by matrix factors of implicit feedback; new histories are folded in, so no user is ever stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.histories import Histories, in_rows_of
from nearkin.indexes.item_matrix import events
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links


@dataclass(kw_only=True)
class Als(BlockRecommender):
    """Alternating least squares, fitted by the package `implicit`, answering any history by one more half-step.

    Catalog[q] with a history -> Hits[q, k]. Items Y [n, dim]; the person of a history with weights w solves
    (Y'Y + penalty * I + confidence * sum w_h y_h y_h') x = sum (1 + confidence * w_h) y_h,  score(c) = y_c . x,  w_h = decay^age
    Cost: rounds * (links * dim^2 + n * dim^3) to fit; history * dim^2 + dim^3 a person. Items without links have no scores.
    Refused: no package `implicit` (`Missing`). Source: Hu, Koren and Volinsky, ICDM 2008; the fading weights are ours.
    """

    k: int = 10
    dim: int = 64
    penalty: float = 0.05
    confidence: float = 10.0
    rounds: int = 15
    decay: float = 0.9  # weight kept with each step back
    seed: int = 0
    repeats: bool = False  # whether what someone had may come again
    items_: Catalog | None = learned()
    factors_: np.ndarray | None = learned()  # float32 [n, dim]

    def fit(self, interactions: Links) -> Self:
        people = events(interactions)
        if not people.nnz:
            raise BadInput("Als needs at least one link to learn from, got none")
        factors = self._factors(people)
        factors[np.bincount(interactions.right_rows, minlength=len(factors)) == 0] = 0
        self.items_, self.factors_ = interactions.right, factors
        return self

    def _factors(self, people: Any) -> np.ndarray:
        try:
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits
        except ImportError as error:
            raise Missing("implicit", "recommend") from error
        from scipy.sparse import csr_matrix

        # `use_native=False` would be slow; one thread keeps the same seed giving the same factors.
        settings = {"factors": self.dim, "regularization": self.penalty, "alpha": self.confidence, "iterations": self.rounds}
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(**settings, random_state=self.seed, num_threads=1)
            model.fit(csr_matrix(people), show_progress=False)
        return np.array(model.item_factors, np.float32)

    def block(self, histories: Histories) -> np.ndarray:
        factors = fitted(self).factors_
        return np.asarray(self._people(histories, factors) @ factors.T, np.float32)

    def _people(self, histories: Histories, factors: np.ndarray) -> np.ndarray:
        """One vector a person: float32 [b, dim]; zero for an empty history."""
        base = factors.T @ factors + self.penalty * np.eye(factors.shape[1], dtype=np.float32)
        weights = self.confidence * histories.weights(self.decay)
        vectors = np.zeros((len(histories), factors.shape[1]), np.float32)
        for person in np.flatnonzero(np.diff(histories.offsets)):
            part = slice(histories.offsets[person], histories.offsets[person + 1])
            had, weight = factors[histories.rows[part]], weights[part]
            vectors[person] = np.linalg.solve(base + (had.T * weight) @ had, (1 + weight) @ had)
        return vectors

    def for_items(self, items: Catalog) -> Self:
        return copied(self, items_=items, factors_=in_rows_of(items, fitted(self).items_, self.factors_))
