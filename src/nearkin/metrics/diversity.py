"""How different the hits of one query are from each other."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError


def intra_list_distance(rows: Int[np.ndarray, "q k"], vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " q"]:
    """The mean distance between two different hits of a query; 0 where there are fewer than two.

    Item rows int [q, k] (-1 pads), vectors of the items [n, d] -> float64 [q]. distance(a, b) = 1 - cosine(a, b), a zero vector
    having cosine 0 with everything; mean over the m (m - 1) / 2 pairs of the m hits. With unit u_i the sum over pairs is
    (|sum u|^2 - sum |u|^2) / 2, so the cost is q * k * d. Refused: rows beyond the vectors.
    Source: Ziegler et al., WWW 2005 (intra-list similarity).
    """
    if rows.size and rows.max() >= len(vectors):
        raise ShapeError(f"hits name row {rows.max()}, but there are {len(vectors)} vectors")
    there = rows >= 0
    chosen = _unit(vectors)[np.where(there, rows, 0)] * there[..., None]
    squares = np.square(chosen).sum((1, 2))
    similar = (np.square(chosen.sum(1)).sum(1) - squares) / 2
    count = there.sum(1)
    pairs = count * (count - 1) / 2
    return np.where(pairs > 0, 1 - similar / np.maximum(pairs, 1), 0.0)


def _unit(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Rows of length 1 in float64; zero rows stay zero."""
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
