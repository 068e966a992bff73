"""Vectors times a matrix, block by block, and what every projection refuses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.projections.moments import BLOCK
from nearkin.stage import Projection
from nearkin.tables import Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Projection):
    """A matrix as a stage: y = matrix x, nothing learned here.

    Vectors[n, d] -> Vectors[n, dim], float32; rows may be a memory map of float32 or float16. Cost: n * d * dim. Refused: another d.
    """

    matrix: np.ndarray = field(repr=False)  # float [dim, d]

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, self.matrix)


def multiplied(part: Projection, vectors: Vectors, matrix: np.ndarray, mean: np.ndarray | None = None) -> Vectors:
    """matrix (x - mean) for each row x, by blocks; float32 whatever the rows are."""
    check_vectors(part, vectors, matrix.shape[1])
    right = np.ascontiguousarray(matrix.T, np.float32)
    found = np.empty((len(vectors), right.shape[1]), np.float32)
    for start in range(0, len(vectors), BLOCK):
        rows = np.asarray(vectors.rows[start : start + BLOCK], np.float32)
        np.matmul(rows if mean is None else rows - mean, right, out=found[start : start + BLOCK])
    return Vectors(found, vectors.things)


def check_vectors(part: Projection, vectors: Vectors, dim: int) -> None:
    """Refuse another table, or another dim than that learned from."""
    if not isinstance(vectors, Vectors):
        raise ShapeError(f"{type(part).__name__} works on Vectors, got {type(vectors).__name__}; use an encoder that gives them")
    if vectors.dim != dim:
        raise ShapeError(f"{type(part).__name__} was fitted for dim {dim}, got {vectors.dim}; use one encoder for items and queries")


def check_dim(part: Projection, dim: int, most: int) -> None:
    """Refuse to keep no dimensions, or more than there are."""
    if not 0 < dim <= most:
        raise BadInput(f"{type(part).__name__} can keep 1 to {most} dimensions of these vectors, asked for {dim}; choose dim in that range")
