"""Several searching stages over the same items, answered as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nearkin.errors import BadInput, StageError
from nearkin.stage.pipeline import Composite, Memo, candidate_scores
from nearkin.stage.stage import Stage
from nearkin.tables import Hits, best

EVERY = 2**31 - 1  # a k that keeps the whole union


@dataclass(frozen=True, kw_only=True, eq=False)
class RankFusion(Composite):
    """Reciprocal ranks: score(item) = sum over branches of weight / (constant + rank), rank from 1, nothing where it is absent.

    Source: Cormack, Clarke and Buettcher, SIGIR 2009 (constant 60). Good when the branches are about equally strong; a weak
    branch drags a strong one down, because ranks give both the same say.
    """

    branches: tuple[Stage, ...]
    weights: tuple[float, ...]
    k: int = EVERY
    constant: float = 60.0

    @property
    def takes(self) -> type:  # type: ignore[override]
        return self.branches[0].takes

    def run(self, table: Any, keep: np.ndarray | None, memo: Memo) -> Hits:
        found = [memo.run(branch, table, keep) for branch in self.branches]
        rows = union(found)
        total = self.parts(rows, found).sum(0)
        return best(total, min(self.k, rows.shape[1]), rows=rows, queries=found[0].queries, items=found[0].items)

    def parts(self, rows: np.ndarray, found: Sequence[Hits]) -> np.ndarray:
        """What each branch's hits add to the score of each candidate: float32 [branches, q, c]."""
        return np.stack([weight * _reciprocal_ranks(rows, hits, self.constant) for weight, hits in zip(self.weights, found, strict=True)])

    def score_with(self, table: Any, rows: np.ndarray, memo: Memo) -> np.ndarray:
        raise StageError("a fusion by rank scores lists, not candidates; fuse by minmax or zscore to score given candidates")


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreFusion(Composite):
    """A convex sum of scaled scores: score(item) = sum over branches of weight * scaled(item).

    Candidates are the union of what the branches find; every branch scores every candidate (a missing score is asked for, not
    taken as 0), then each branch's scores are scaled per query over the candidates: minmax to [0, 1], zscore to mean 0 and
    deviation 1. Cost: each branch's search, and its scores for the union.
    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023.
    """

    branches: tuple[Stage, ...]
    weights: tuple[float, ...]
    scale: Literal["minmax", "zscore"] = "minmax"
    k: int = EVERY

    @property
    def takes(self) -> type:  # type: ignore[override]
        return self.branches[0].takes

    def run(self, table: Any, keep: np.ndarray | None, memo: Memo) -> Hits:
        found = [memo.run(branch, table, keep) for branch in self.branches]
        rows = union(found)
        total = self.parts(table, rows, memo).sum(0)
        return best(total, min(self.k, rows.shape[1]), rows=rows, queries=found[0].queries, items=found[0].items)

    def parts(self, table: Any, rows: np.ndarray, memo: Memo | None = None) -> np.ndarray:
        """What each branch adds to the score of each candidate: float32 [branches, q, c]; scaled over these candidates."""
        memo = memo or Memo()
        raw = [candidate_scores(branch, table, rows, memo) for branch in self.branches]
        return np.stack([weight * scaled(scores, rows >= 0, self.scale) for weight, scores in zip(self.weights, raw, strict=True)])

    def score_with(self, table: Any, rows: np.ndarray, memo: Memo) -> np.ndarray:
        """Scaled over the candidates given, so two sets of candidates give the same item different scores."""
        total = self.parts(table, rows, memo).sum(0)
        return np.where(rows >= 0, total, -np.inf).astype(np.float32)


def fuse(
    *stages: Stage, by: Literal["rrf", "minmax", "zscore"] = "rrf", weights: Sequence[float] | None = None
) -> RankFusion | ScoreFusion:
    """One searching stage out of several over the same items; weights are equal unless given, and are scaled to sum to 1."""
    if len(stages) < 2:
        raise BadInput(f"a fusion joins two stages or more, got {len(stages)}")
    if any(stage.gives is not Hits for stage in stages) or len({stage.takes for stage in stages}) > 1:
        raise StageError(f"fused stages take one table and give Hits; got {[(s.takes.__name__, s.gives.__name__) for s in stages]}")
    shares = np.ones(len(stages)) if weights is None else np.asarray(weights, float)
    if len(shares) != len(stages) or (shares < 0).any() or not shares.sum() > 0:
        raise BadInput(f"expected {len(stages)} weights, none negative and not all 0, got {weights}")
    told = tuple((shares / shares.sum()).tolist())
    if by == "rrf":
        return RankFusion(branches=stages, weights=told)
    if by not in ("minmax", "zscore"):
        raise BadInput(f"expected by='rrf', 'minmax' or 'zscore', got {by!r}")
    return ScoreFusion(branches=stages, weights=told, scale=by)


def union(found: Sequence[Hits]) -> np.ndarray:
    """All rows that any of the hits name, rising, each once: int32 [q, c], -1 pads at the end."""
    far = np.iinfo(np.int32).max
    rows = np.concatenate([hits.rows for hits in found], axis=1)
    rows = np.sort(np.where(rows < 0, far, rows), axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = far
    rows = np.sort(rows, axis=1)
    width = int((rows < far).sum(1).max(initial=0))
    return np.where(rows[:, :width] == far, -1, rows[:, :width]).astype(np.int32)


def scaled(scores: np.ndarray, there: np.ndarray, scale: str) -> np.ndarray:
    """Scores [q, c] scaled per query over the places where `there` is true; 0 elsewhere and where all scores are equal."""
    count = np.maximum(there.sum(1, keepdims=True), 1)
    safe = np.where(there, scores, 0)
    if scale == "minmax":
        low = np.where(there, scores, np.inf).min(1, keepdims=True, initial=np.inf)
        spread = np.where(there, scores, -np.inf).max(1, keepdims=True, initial=-np.inf) - low
    else:
        low = safe.sum(1, keepdims=True) / count
        spread = np.sqrt((np.where(there, scores - low, 0) ** 2).sum(1, keepdims=True) / count)
    usable = np.isfinite(spread) & (spread > 0)
    low, spread = np.where(usable, low, 0), np.where(usable, spread, 1)
    return np.where(there & usable, (safe - low) / spread, 0).astype(np.float32)


def _reciprocal_ranks(rows: np.ndarray, hits: Hits, constant: float) -> np.ndarray:
    """1 / (constant + rank) of each candidate in the hits, 0 where it is absent: [q, c]."""
    given = np.zeros(rows.shape, np.float32)
    value = 1 / (constant + 1 + np.arange(hits.k))
    for query in range(len(rows)):
        valid = hits.rows[query] >= 0
        there = rows[query] >= 0
        place = np.searchsorted(rows[query][there], hits.rows[query][valid])
        given[query, place] = value[valid]
    return given
