"""Pairs that are each other's best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.matchers.candidates import Candidates, at_least, chosen_links, edges
from nearkin.stage import Matcher
from nearkin.tables import Hits, Links


@dataclass(frozen=True, kw_only=True)
class MutualBest(Matcher):
    """Links a query and an item when neither has a better candidate: simple, one to one, and deaf to what others want.

    Hits[q, k] -> Links, weight = score. Of equal scores the lowest row is taken. Pairs that score below `least` are left out.
    Cost: linear in the candidates.
    """

    least: float | None = None

    def __call__(self, hits: Hits) -> Links:
        pairs, scores = edges(hits)
        return chosen_links(hits, pairs, mutual_best(pairs, scores) & at_least(scores, self.least), scores)


def mutual_best(pairs: Candidates, scores: np.ndarray) -> np.ndarray:
    """Which pairs are first for both their rows: bool [m]."""
    return _first(pairs.left_rows, pairs.right_rows, scores) & _first(pairs.right_rows, pairs.left_rows, scores)


def _first(rows: np.ndarray, others: np.ndarray, scores: np.ndarray) -> np.ndarray:
    order = np.lexsort((others, -scores, rows))
    first = np.zeros(len(rows), bool)
    first[order] = np.r_[True, np.diff(rows[order]) != 0][: len(rows)]
    return first
