"""How far up the item stands that a user chose next: recall, nDCG and reciprocal rank for each user, ties against the model."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError
from nearkin.tables import Hits


def ranks(hits: Hits, targets: Int[np.ndarray, " q"]) -> Float[np.ndarray, " q"]:
    """The rank of each user's target among the hits, from 1; infinite where it is no hit.

    Hits[q, k], item rows [q] -> float64 [q]. rank = number of hits with a score at least the target's, so that a model which
    gives everything the same score is not rewarded for the order in which rows happen to stand. Ask for one hit more than the
    cut of the metric, or ties across the border go unseen. Refused: another number of targets than of users.
    """
    if len(targets) != len(hits):
        raise ShapeError(f"expected one target a user: {len(hits)} users, {len(targets)} targets")
    there = hits.rows == np.asarray(targets)[:, None]
    own = np.where(there, hits.scores, -np.inf).max(1, initial=-np.inf)
    rank = (hits.scores >= own[:, None]).sum(1).astype(float)
    return np.where(there.any(1), rank, np.inf)


def recall(hits: Hits, targets: Int[np.ndarray, " q"], *, at: int = 10) -> Float[np.ndarray, " q"]:
    """1 where the target is among the first `at`, else 0."""
    return (ranks(hits, targets) <= at).astype(float)


def ndcg(hits: Hits, targets: Int[np.ndarray, " q"], *, at: int = 10) -> Float[np.ndarray, " q"]:
    """1 / log2(rank + 1) where the target is among the first `at`, else 0; one target a user, so the ideal is 1."""
    rank = ranks(hits, targets)
    return np.where(rank <= at, 1 / np.log2(rank + 1), 0.0)


def mrr(hits: Hits, targets: Int[np.ndarray, " q"], *, at: int = 10) -> Float[np.ndarray, " q"]:
    """1 / rank where the target is among the first `at`, else 0."""
    rank = ranks(hits, targets)
    return np.where(rank <= at, 1 / rank, 0.0)
