"""Mean and spread of vectors, gathered in one pass; all that the learned projections need to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Vectors

BLOCK = 8_192  # rows read at once, so that a memory map is never loaded whole


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """How many vectors, their mean, and the sum of (x - mean)(x - mean)^T; all in float64.

    The scatter is kept about the mean, not about zero, so that a big common mean takes no digits from it. Moments of parts join to those
    of the whole (up to rounding, in any order), so a set may be read by blocks, on several machines, or grow.
    Cost: n * d^2 multiplications; memory d^2 and a block. Refused: no vectors, another dim when joining.
    Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    count: int
    mean: np.ndarray  # float64 [d]
    scatter: np.ndarray  # float64 [d, d]

    @classmethod
    def of(cls, vectors: Vectors, *, block: int = BLOCK) -> Self:
        """The moments of these vectors, read once, `block` rows at a time."""
        if not len(vectors):
            raise BadInput("moments of no vectors; give at least one row to learn from")
        found = None
        for start in range(0, len(vectors), block):
            part = cls._of_block(np.asarray(vectors.rows[start : start + block], np.float64))
            found = part if found is None else found.joined(part)
        return found  # type: ignore[return-value]

    @classmethod
    def _of_block(cls, rows: np.ndarray) -> Self:
        mean = rows.mean(0)
        rows = rows - mean
        return cls(count=len(rows), mean=mean, scatter=rows.T @ rows)

    def joined(self, other: Moments) -> Self:
        """The moments of both sets together."""
        if self.dim != other.dim:
            raise ShapeError(f"moments of dim {self.dim} cannot be joined with those of dim {other.dim}; use one encoder for both")
        count, gap = self.count + other.count, other.mean - self.mean
        between = np.outer(gap, gap) * (self.count * other.count / count)
        return type(self)(count=count, mean=self.mean + gap * (other.count / count), scatter=self.scatter + other.scatter + between)

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return len(self.mean)

    @property
    def covariance(self) -> np.ndarray:
        """The mean of (x - mean)(x - mean)^T: float64 [d, d]."""
        return self.scatter / self.count

    @property
    def second(self) -> np.ndarray:
        """The mean of x x^T, about zero: float64 [d, d]."""
        return self.covariance + np.outer(self.mean, self.mean)


def leading(matrix: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The `dim` largest eigenvalues of a symmetric matrix and their eigenvectors as rows: float64 [dim], [dim, d].

    The largest entry of each vector is made positive, so that equal matrices give equal signs.
    """
    values, vectors = np.linalg.eigh(matrix)
    rows = vectors[:, ::-1][:, :dim].T
    largest = np.take_along_axis(rows, np.abs(rows).argmax(1)[:, None], 1)
    return values[::-1][:dim], rows * np.where(largest < 0, -1.0, 1.0)
