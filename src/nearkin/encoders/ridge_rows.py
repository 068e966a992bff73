"""Rows of a word table fitted to whole-text vectors of a stronger encoder: how a static model is taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nearkin.errors import ShapeError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def weighted_bags(offsets: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> csr_array:
    """Bags of table rows as a matrix of means: sparse float32 [n, v], each row summing to 1 (or empty).

    Entry (i, t) is count_it * weights_t / sum over the bag; `offsets` int64 [n + 1], `rows` int32 [sum], `weights` float32 [v].
    """
    from scipy.sparse import csr_array

    bags = csr_array((weights[rows].astype(np.float32), rows, offsets), shape=(len(offsets) - 1, len(weights)))
    bags.sum_duplicates()
    total = np.asarray(bags.sum(axis=1)).ravel()
    bags.data /= np.repeat(np.where(total > 0, total, 1), np.diff(bags.indptr)).astype(np.float32)
    return bags


def ridge_rows(
    bags: csr_array, targets: np.ndarray, start: np.ndarray, *, strength: float | np.ndarray = 0.1, steps: int = 20
) -> np.ndarray:
    """The rows that make the bags come out nearest to their targets without going far from the start.

    bags [n, v] sparse, targets [n, d], start [v, d] -> float32 [v, d], the minimum over X of
    ||bags X - targets||^2 + sum_t strength_t ||X_t - start_t||^2, approached by `steps` conjugate-gradient steps, each column on
    its own. One strength for all rows, or one a row (float32 [v]).
    Cost: a step takes 4 * d * entries of `bags` operations; memory 4 arrays like `start`. Refused: shapes that do not meet.
    """
    if bags.shape != (len(targets), len(start)) or targets.shape[1] != start.shape[1]:
        shapes = f"bags {list(bags.shape)}, targets {list(targets.shape)}, start {list(start.shape)}"
        raise ShapeError(f"expected bags [n, v], targets [n, d] and start [v, d], got {shapes}")
    back = bags.T.tocsr()
    pull = np.broadcast_to(np.asarray(strength, np.float32), len(start))[:, None]
    change = np.zeros(start.shape, np.float32)
    rest = back @ (targets - bags @ start).astype(np.float32)
    way, size = rest.copy(), _lengths(rest)
    for _ in range(steps):
        ahead = back @ (bags @ way) + pull * way
        pace = size / np.maximum(np.einsum("vd,vd->d", way, ahead), 1e-30)
        change += pace * way
        rest -= pace * ahead
        size, before = _lengths(rest), size
        way *= size / np.maximum(before, 1e-30)
        way += rest
    return np.asarray(start + change)


def _lengths(rows: np.ndarray) -> np.ndarray:
    """The squared length of each column."""
    return np.asarray(np.einsum("vd,vd->d", rows, rows))
