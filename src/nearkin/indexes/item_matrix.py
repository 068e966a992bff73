"""Item-to-item weights as sparse rows: row h says what someone who had item h is told to look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from nearkin.indexes.histories import Histories, moved
from nearkin.indexes.history_kernels import spread
from nearkin.tables import Catalog, Links, SparseVectors


def walk(matrix: SparseVectors, histories: Histories, decay: float) -> np.ndarray:
    """score[i, c] = sum over the history of decay^age * matrix[h, c]: float32 [b, n]. Cost: the entries of the rows touched."""
    scores = np.zeros((len(histories), matrix.dim), np.float32)
    weights = histories.weights(decay)
    spread(histories.owners, histories.rows, weights, matrix.offsets, matrix.columns, matrix.values, scores)
    return scores


def events(interactions: Links) -> Any:
    """Who had what, once each: a SciPy matrix of ones, users x items."""
    from scipy.sparse import csr_array

    shape = (len(interactions.left), len(interactions.right))
    ones = np.ones(len(interactions), np.float32)
    matrix = csr_array((ones, (interactions.left_rows, interactions.right_rows)), shape=shape)
    matrix.data[:] = 1
    return matrix


def regrown(matrix: SparseVectors, new: Catalog, old: Catalog) -> SparseVectors:
    """The same weights in the rows of another catalogue; items it lacks are dropped, items new in it have no entries."""
    from scipy.sparse import coo_array

    places = moved(new, old)
    source = places[np.repeat(np.arange(len(matrix)), np.diff(matrix.offsets))]
    target = places[matrix.columns]
    kept = (source >= 0) & (target >= 0)
    shape = (len(new), len(new))
    return sorted_rows(coo_array((matrix.values[kept], (source[kept], target[kept])), shape=shape))


def sorted_rows(matrix: Any) -> SparseVectors:
    """A SciPy matrix as sparse vectors with rising columns and no stored zeros."""
    rows = matrix.tocsr()
    rows.sum_duplicates()
    rows.eliminate_zeros()
    rows.sort_indices()
    return SparseVectors.from_scipy(rows)
