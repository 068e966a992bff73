"""One-to-one links taken greedily, the best pair first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from nearkin.matchers.candidates import Candidates, at_least, chosen_links, edges
from nearkin.stage import Matcher
from nearkin.tables import Hits, Links


@dataclass(frozen=True, kw_only=True)
class BestFirst(Matcher):
    """Takes the best pair, strikes out both its rows, and goes on: half the best sum at worst, near it in practice.

    Hits[q, k] -> Links, weight = score; each query at most once, each item at most `copies` times; pairs below `least` are left out.
    Equal scores are taken by rising rows. Cost: one sort of the candidates.
    """

    least: float | None = None
    copies: int = 1

    def __call__(self, hits: Hits) -> Links:
        pairs, scores = edges(hits)
        return chosen_links(hits, pairs, best_first(pairs, scores, self.copies) & at_least(scores, self.least), scores)


def best_first(pairs: Candidates, scores: np.ndarray, copies: int = 1) -> np.ndarray:
    """Which pairs a greedy assignment takes: bool [m]."""
    order = np.argsort(-scores, kind="stable")
    return _take(order, pairs.left_rows, pairs.right_rows, np.ones(pairs.left_count, np.int64), np.full(pairs.right_count, copies))


@njit(cache=True)
def _take(order, left, right, left_free, right_free):  # type: ignore[no-untyped-def]
    chosen = np.zeros(len(order), np.bool_)
    for pair in order:
        if left_free[left[pair]] > 0 and right_free[right[pair]] > 0:
            left_free[left[pair]] -= 1
            right_free[right[pair]] -= 1
            chosen[pair] = True
    return chosen
