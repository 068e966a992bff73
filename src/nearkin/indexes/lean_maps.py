"""The linear maps of a LeanIndex: what turns items into numbers to be coded, and queries into numbers to multiply them with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nearkin.errors import BadInput
from nearkin.kernels.packed import pack_width, room_of
from nearkin.tables import Vectors

SAMPLE = 65_536  # rows that the default projection is learned from


class Maps(NamedTuple):
    """float32: items x become y = (x - mean) @ code [D, D]; a query walks by q @ ask [D, dim] and ranks by q @ read [D, D].

    With B the items' side of a projection and A the queries', both turned alike at random inside their `dim` dims: code = [B^T | P^T]
    where the rows of P are an orthonormal basis of what B leaves out, read = [pinv(B) | P^T], ask = A^T. So <q @ read, y> = <q, x - mean>
    exactly, and <q @ ask, y[:dim]> is what the projection takes for it. ask is None where it is the beginning of read: one product less.
    """

    mean: np.ndarray
    code: np.ndarray
    read: np.ndarray
    ask: np.ndarray | None
    dim: int

    @property
    def width(self) -> int:
        """Bytes of a packed row."""
        return pack_width(self.dim)

    @property
    def ranked(self) -> int:
        """Integers of a query for both levels."""
        return room_of(self.width) + len(self.code) - self.dim

    def asked(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Queries to walk by (the first `dim` numbers) and to rank by: float32 [q, dim or more] and [q, D]."""
        read = queries @ self.read
        return read if self.ask is None else queries @ self.ask, read

    def coded(self, rows: np.ndarray) -> np.ndarray:
        """Items as numbers to be coded: float32 [n, D]."""
        return (np.asarray(rows, np.float32) - self.mean) @ self.code


def learned_maps(items: Vectors, dim: int, projection: Any, seed: int) -> Maps:
    """The maps of a fitted linear projection, or, when it is None, of the `dim` directions in which the items vary most.

    The turn spreads the range of a row evenly over its dims, which 4-bit codes need: without it they lose 1 to 4 points of recall.
    """
    sample = np.asarray(items.rows[:: max(1, len(items) // SAMPLE)], np.float32)
    mean = sample.mean(0)
    item_side, query_side = _leading(sample - mean, dim) if projection is None else _sides(projection, items.dim)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(item_side),) * 2))[0]
    item_side, query_side = turn @ item_side, turn @ query_side
    rest = np.linalg.svd(item_side, full_matrices=True)[2][len(item_side) :]
    code, read = np.vstack([item_side, rest]).T, np.vstack([np.linalg.pinv(item_side).T, rest]).T
    ask = None if np.allclose(read[:, : len(item_side)], query_side.T, atol=1e-6) else _plain(query_side.T)
    return Maps(mean, _plain(code), _plain(read), ask, len(item_side))


def _plain(matrix: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(matrix, np.float32)


def _leading(rows: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the largest eigenvalues, as rows, for both sides."""
    basis = np.linalg.eigh((rows.T @ rows).astype(np.float64))[1][:, ::-1][:, : min(dim, rows.shape[1])].T
    return basis, basis


def _sides(projection: Any, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrices [dim, D] of a linear projection, read off what it makes of the unit vectors."""
    sides = [projection, projection.asking()]
    if any(side(Vectors(np.zeros((1, dim), np.float32))).rows.any() for side in sides):
        raise BadInput(f"LeanIndex needs a linear projection, and {type(projection).__name__} moves zero; take LeanVec or LeanVecOod")
    items, queries = (side(Vectors(np.eye(dim, dtype=np.float32))).rows.T.astype(np.float64) for side in sides)
    if np.linalg.matrix_rank(items) < len(items):
        raise BadInput(f"the projection keeps fewer than its {len(items)} dims apart; choose a smaller dim")
    return items, queries
