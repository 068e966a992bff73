"""Histories without the items that a model cannot read."""

from __future__ import annotations

import numpy as np


def with_known(offsets: np.ndarray, rows: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets int64 [q + 1] and rows int64 [m] of histories whose other items are left out; known: bool [n]."""
    kept = known[rows]
    if kept.all():
        return offsets, rows.astype(np.int64, copy=False)
    counts = np.concatenate([[0], np.cumsum(kept)])
    return counts[offsets], rows[kept].astype(np.int64, copy=False)
