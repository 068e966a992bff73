"""Choose hits that are good and unlike each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nearkin.errors import BadInput
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner
from nearkin.tables import Hits, Vectors, unit

QUERIES = 256  # worked on at once


@dataclass(frozen=True, kw_only=True, eq=False)
class Diversify(Refiner):
    """Maximal marginal relevance over the vectors of the items.

    Hits[q, c] -> Hits[q, min(k, c)], in the order of choice. Step by step the hit is taken with the highest
    balance * relevance - (1 - balance) * (cosine to the nearest hit taken before); relevance is the score scaled to [0, 1] over
    the list. balance = 1 keeps the order, 0 looks at variety alone. The new score is k, k - 1, ... 1: an order, no likeness.
    Ties by rising row. Cost: q * k * c * d. Refused: a balance outside [0, 1], hits of other items than the vectors have.
    Source: Carbonell and Goldstein, SIGIR 1998.
    """

    vectors: Vectors
    k: int = 10
    balance: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.balance <= 1:
            raise BadInput(f"the balance of Diversify lies in [0, 1], got {self.balance}")

    @cached_property
    def _unit(self) -> np.ndarray:
        return unit(self.vectors.rows)

    def __call__(self, hits: Hits) -> Hits:
        count = len(self.vectors)
        if hits.rows.max(initial=-1) >= count or (hits.items is not None and len(hits.items) != count):
            raise BadInput(f"Diversify holds vectors of {count} items, the hits are of another catalogue; give the vectors of those items")
        order = np.full(hits.rows.shape, -np.inf, np.float32)
        for start in range(0, len(hits), QUERIES):
            order[start : start + QUERIES] = self._chosen(hits.rows[start : start + QUERIES], hits.scores[start : start + QUERIES])
        return rescored(hits, order, self.k)

    def _chosen(self, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """k for the hit chosen first, k - 1 for the next, ... and -inf for those not chosen: float32 [q, c]."""
        there, vectors = rows >= 0, self._unit[np.maximum(rows, 0)]
        relevance, nearest = _relevance(scores, there), np.zeros(rows.shape, np.float32)
        order = np.full(rows.shape, -np.inf, np.float32)
        lines = np.arange(len(rows))
        for step in range(min(self.k, rows.shape[1])):
            gain = np.where(there & (order == -np.inf), self.balance * relevance - (1 - self.balance) * nearest, -np.inf)
            pick = _first_best(gain, rows)
            order[lines, pick] = np.where(gain[lines, pick] > -np.inf, self.k - step, order[lines, pick])
            likeness = np.einsum("qcd,qd->qc", vectors, vectors[lines, pick])
            nearest = likeness if step == 0 else np.maximum(nearest, likeness)
        return order


def _relevance(scores: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Scores scaled to [0, 1] over each list; 1 where all are equal."""
    low = np.where(there, scores, np.inf).min(1, keepdims=True, initial=np.inf)
    spread = np.where(there, scores, -np.inf).max(1, keepdims=True, initial=-np.inf) - low
    usable = np.isfinite(spread) & (spread > 0)
    scaled = (np.where(there, scores, 0) - np.where(usable, low, 0)) / np.where(usable, spread, 1)
    return np.where(usable, scaled, 1).astype(np.float32)


def _first_best(gain: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The column of the highest gain of each line, ties by rising row: int [q]."""
    tied = gain == gain.max(1, keepdims=True)
    return np.where(tied, rows, np.iinfo(np.int32).max).argmin(1)
