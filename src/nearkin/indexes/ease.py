"""Recommend by the best linear item-to-item model, solved in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.histories import known_counts
from nearkin.indexes.item_matrix import events, sorted_rows
from nearkin.indexes.matrix_recommender import MatrixRecommender
from nearkin.stage import learned
from nearkin.tables import Catalog, Links, SparseVectors

CHUNK = 512  # rows turned at a time, so that only one full matrix is ever held


@dataclass(kw_only=True)
class Ease(MatrixRecommender):
    """Embarrassingly shallow autoencoder: regress each item on all others, answer with a history that fades.

    Catalog[q] with a history -> Hits[q, k].
    P = (X'X + penalty * I)^-1,  B[h, c] = -P[h, c] / P[c, c],  B[c, c] = 0;  score(c) = sum of decay^age * B[h, c]
    Of each row of B the `neighbours` largest weights (by size) are kept. Cost: m^3 multiplications in float32 for m = min(n, most)
    items, and one matrix of 4 * m^2 bytes: 0.6 GB and half a minute on one quiet core at the default limit.
    Items beyond the `most` frequent ones have no scores. Refused: a penalty that is not positive.
    Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019; the fading history and the pruning are ours.
    """

    k: int = 10
    penalty: float = 100.0
    decay: float = 0.7  # weight kept with each step back
    neighbours: int = 400
    most: int = 12_500  # items; the rest of a larger catalogue is left to the other models of a blend
    repeats: bool = False  # whether what someone had may come again
    items_: Catalog | None = learned()
    matrix_: SparseVectors | None = learned()  # [n, n]

    def fit(self, interactions: Links) -> Self:
        if not self.penalty > 0:
            raise BadInput(f"the penalty of Ease must be above 0, got {self.penalty}")
        counts = known_counts(interactions)
        order = np.argsort(-counts, kind="stable")[: self.most]
        chosen = np.sort(order[counts[order] > 0])
        people = events(interactions)[:, chosen]
        self.matrix_ = _placed(self._weights(people.T @ people), chosen, len(counts))
        self.items_ = interactions.right
        return self

    def _weights(self, gram: Any) -> Any:
        """B of the formula, pruned: SciPy [m, m]."""
        from scipy.sparse import csr_array, vstack

        inverse = _inverted(gram, self.penalty)
        diagonal = np.diag(inverse).copy()
        parts = [csr_array(gram.shape, dtype=np.float32)[:0]]
        for start in range(0, len(inverse), CHUNK):
            rows = -_full_rows(inverse, start, start + CHUNK) / diagonal
            rows[np.arange(len(rows)), np.arange(start, start + len(rows))] = 0
            parts.append(_strongest(rows, self.neighbours))
        return vstack(parts)


def _inverted(gram: Any, penalty: float) -> np.ndarray:
    """(gram + penalty * I)^-1 in the lower triangle; made in place, so that one matrix is held. float32 [m, m], Fortran order."""
    from scipy.linalg import lapack

    dense = gram.toarray(order="F").astype(np.float32, copy=False)
    if not len(dense):
        return dense
    dense[np.diag_indices(len(dense))] += np.float32(penalty)
    factor, failed = lapack.spotrf(dense, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise BadInput(f"the item matrix is too ill-conditioned for a penalty of {penalty}; raise the penalty")
    return inverse


def _full_rows(lower: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Whole rows of a symmetric matrix of which only the lower triangle is filled: float32 [stop - start, m]."""
    stop = min(stop, len(lower))
    rows = np.empty((stop - start, len(lower)), np.float32)
    rows[:, :start] = lower[start:stop, :start]
    rows[:, stop:] = lower[stop:, start:stop].T
    corner = np.tril(lower[start:stop, start:stop])
    rows[:, start:stop] = corner + np.tril(corner, -1).T
    return rows


def _strongest(rows: np.ndarray, count: int) -> Any:
    """Of each row the `count` numbers largest in size, the rest 0, as a SciPy matrix."""
    from scipy.sparse import csr_array

    if count >= rows.shape[1]:
        return csr_array(rows)
    columns = np.sort(np.argpartition(-np.abs(rows), count - 1, axis=1)[:, :count], axis=1)
    offsets = np.arange(len(rows) + 1) * count
    return csr_array((np.take_along_axis(rows, columns, 1).ravel(), columns.ravel(), offsets), shape=rows.shape)


def _placed(matrix: Any, chosen: np.ndarray, size: int) -> SparseVectors:
    """A matrix over some items as one over all of them."""
    from scipy.sparse import coo_array

    entries = matrix.tocoo()
    return sorted_rows(coo_array((entries.data, (chosen[entries.row], chosen[entries.col])), shape=(size, size)))
