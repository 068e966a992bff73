"""Several encoders side by side, as one vector a thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.stage import Encoder
from nearkin.tables import Catalog, SparseVectors, Vectors, unit

MOST_DIM = 16_384  # of a sparse part; beyond it, a dense row would mostly hold zeros


@dataclass(kw_only=True)
class Join(Encoder):
    """The vectors of all parts, one after another, so that similarities add up with these weights.

    Catalog[n] -> Vectors[n, sum of dims], float32. Part p is scaled to length sqrt(weight_p) a row (zero rows stay zero), so
    x . y = sum_p weight_p * cos_p(x, y).
    Refused: no part, weights that are negative or not one a part, a sparse part of more than 16,384 dimensions (project it first).
    """

    parts: tuple[Encoder, ...]
    weights: tuple[float, ...] = ()  # all 1 when empty

    def __post_init__(self) -> None:
        weights = self.weights or (1.0,) * len(self.parts)
        if not self.parts or len(weights) != len(self.parts) or min(weights) < 0:
            raise BadInput(f"Join takes one weight of at least 0 a part, got {len(self.parts)} parts and the weights {self.weights}")

    def fit(self, catalog: Catalog) -> Self:
        """Fit the parts that learn."""
        for part in self.parts:
            learn: Any = getattr(part, "fit", None)
            if learn is not None:
                learn(catalog)
        return self

    def __call__(self, catalog: Catalog) -> Vectors:
        weights = self.weights or (1.0,) * len(self.parts)
        rows = [np.sqrt(np.float32(weight)) * unit(_dense(part, catalog)) for part, weight in zip(self.parts, weights, strict=True)]
        return Vectors(np.concatenate(rows, 1), catalog)


def _dense(part: Encoder, catalog: Catalog) -> np.ndarray:
    """float32 [n, dim]."""
    vectors = part(catalog)
    if isinstance(vectors, Vectors):
        return vectors.rows
    if not isinstance(vectors, SparseVectors) or vectors.dim > MOST_DIM:
        raise ShapeError(
            f"Join takes dense vectors, or sparse ones of at most {MOST_DIM} dimensions; {type(part).__name__} gives {vectors!r}; "
            f"put a projection behind it"
        )
    rows = np.zeros((len(vectors), vectors.dim), np.float32)
    rows[np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets)), vectors.columns] = vectors.values
    return rows
