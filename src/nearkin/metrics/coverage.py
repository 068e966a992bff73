"""How much of the catalogue is ever shown, and how evenly."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from nearkin.errors import ShapeError


def catalogue_coverage(rows: Int[np.ndarray, "q k"], items: int) -> float:
    """The share of `items` things that are a hit of at least one query. Item rows int [q, k], -1 pads. Cost: q * k."""
    return float(np.count_nonzero(exposure(rows, items)) / items)


def gini(rows: Int[np.ndarray, "q k"], items: int) -> float:
    """How unevenly hits are spread over things: 0 when all are shown equally often, near 1 when one thing gets everything.

    With the counts c sorted to rise and i from 1: sum_i (2 i - n - 1) c_i / (n * sum c); 0 when nothing is shown. Cost: n log n.
    """
    counts = np.sort(exposure(rows, items)).astype(float)
    total = counts.sum()
    weights = 2 * np.arange(1, items + 1) - items - 1
    return float(weights @ counts / (items * total)) if total else 0.0


def exposure(rows: Int[np.ndarray, "q k"], items: int) -> Int[np.ndarray, " n"]:
    """How often each of `items` things is a hit: int64 [n]. Refused: no things, rows beyond them."""
    shown = rows[rows >= 0]
    if items < 1 or (len(shown) and shown.max() >= items):
        raise ShapeError(f"expected rows below the {items} things of the catalogue, got {shown.max(initial=-1)}")
    return np.bincount(shown, minlength=items)
