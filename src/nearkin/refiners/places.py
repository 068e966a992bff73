"""Moving hits within their lists: what every refiner ends with."""

from __future__ import annotations

import numpy as np

from nearkin.tables import Hits, best


def repacked(hits: Hits, stay: np.ndarray) -> Hits:
    """The hits at the places where `stay` is true, moved up; pads fill the end. bool [q, k]."""
    order = np.argsort(~stay, axis=1, kind="stable")
    rows = np.take_along_axis(np.where(stay, hits.rows, -1), order, 1)
    return Hits(rows, np.take_along_axis(hits.scores, order, 1), hits.queries, hits.items)


def rescored(hits: Hits, scores: np.ndarray, k: int | None = None) -> Hits:
    """The same hits in the order of new scores, float [q, k], and at most k of them; pads stay pads."""
    most = hits.k if k is None else min(k, hits.k)
    return best(scores, most, rows=hits.rows, queries=hits.queries, items=hits.items)
