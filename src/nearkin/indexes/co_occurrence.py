"""Item vectors from who stands near whom in histories: a start for trained models that saves them their first epochs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from nearkin.indexes.history_kernels import count_pairs, near_pairs

PAIRS = 10_000_000  # pairs held at once while counting: about 250 MB with what SciPy needs to add them up


def near_counts(offsets: np.ndarray, rows: np.ndarray, size: int, window: int) -> Any:
    """near(h, c) = sum of 1 / distance over the places where h came before c, at most `window` apart: a SciPy matrix [size, size]."""
    from scipy.sparse import csr_array

    total = csr_array((size, size), dtype=np.float32)
    for part in portions(offsets, rows, window):
        earlier, later, weight = near_pairs(*part, window)
        total = total + csr_array((weight, (earlier, later)), shape=(size, size))
    return total


def portions(offsets: np.ndarray, rows: np.ndarray, window: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Whole histories, cut so that each portion has at most about `PAIRS` pairs."""
    whole = count_pairs(offsets, window)
    cuts = np.searchsorted(offsets, np.linspace(0, len(rows), 2 + whole // PAIRS))
    cuts[0], cuts[-1] = 0, len(offsets) - 1
    for start, stop in pairwise(cuts):
        yield offsets[start : stop + 1] - offsets[start], rows[offsets[start] : offsets[stop]]


def start_vectors(
    offsets: np.ndarray, rows: np.ndarray, size: int, dim: int, *, smooth: float = 3.0, window: int = 50, seed: int = 0
) -> np.ndarray:
    """The top eigenvectors, times the root of their eigenvalue, of near, both ways, over sqrt((count_h + smooth) (count_c + smooth)).

    float32 [size, dim], a mean length of 1 over rows that are not 0; fewer eigenvectors than dim leave columns 0.
    Cost: the pairs, and some hundred products with the sparse matrix.
    """
    from scipy.sparse import diags_array

    near = near_counts(offsets, rows, size, window)
    root = diags_array((np.bincount(rows, minlength=size) + smooth).astype(np.float32) ** -0.5)
    values, vectors = _top((root @ (near + near.T) @ root).tocsr(), dim, seed)
    found = np.zeros((size, dim), np.float32)
    found[:, : len(values)] = vectors * np.sqrt(np.maximum(values, 0))
    lengths = np.linalg.norm(found, axis=1)
    return found / np.float32(lengths[lengths > 0].mean() if lengths.any() else 1)


def _top(matrix: Any, dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The highest eigenvalues of a symmetric matrix and their vectors, by columns; signs are settled, so a seed has one answer."""
    from scipy.sparse.linalg import eigsh

    if matrix.shape[0] <= dim + 1:
        values, vectors = np.linalg.eigh(matrix.toarray())
        values, vectors = values[-dim:], vectors[:, -dim:]
    else:
        first = np.random.default_rng(seed).normal(size=matrix.shape[0]).astype(np.float32)
        values, vectors = eigsh(matrix, k=dim, which="LA", v0=first, tol=1e-3)
    return values, vectors * np.where(vectors.sum(0) < 0, -1, 1)
