"""How little known the hits are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError


def self_information(rows: Int[np.ndarray, "q k"], counts: Int[np.ndarray, " n"]) -> Float[np.ndarray, " q"]:
    """The mean surprise of a query's hits in bits; 0 where there is no hit.

    Item rows int [q, k] (-1 pads), how often each thing was used in training int [n] -> float64 [q].
    surprise(i) = -log2((counts_i + 1) / (sum counts + n)): one is added so that a new thing has a finite one. Cost: q * k.
    Refused: rows beyond the counts. Source: Zhou et al., PNAS 2010, with the smoothing added.
    """
    if rows.size and rows.max() >= len(counts):
        raise ShapeError(f"hits name row {rows.max()}, but there are {len(counts)} counts")
    there = rows >= 0
    surprise = -np.log2((counts + 1) / (counts.sum() + len(counts)))
    total = np.where(there, surprise[np.where(there, rows, 0)], 0).sum(1)
    return total / np.maximum(there.sum(1), 1)
