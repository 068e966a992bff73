"""How much a person takes and how much an item is taken, whatever the taste: regressions, and what a history tells in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np


def logistic(
    features: np.ndarray, yes: np.ndarray, tries: np.ndarray, penalty: float, *, given: np.ndarray | None = None, rounds: int = 25
) -> np.ndarray:
    """Logistic regression of `yes` out of `tries` by Newton's method: weights float [f + 1], the intercept last and not penalised.

    given: float [n, m], log odds known beforehand of each of m kinds of tries, equally many of each, to which the weights add theirs
    (a mean of the m would not do: chances of different kinds rise unequally). Cost: rounds * n * (f^2 + m).
    """
    rows = np.column_stack([features, np.ones(len(features))])
    given = np.zeros((len(rows), 1)) if given is None else given
    fixed = np.diag([penalty] * features.shape[1] + [1e-9])
    weights = np.zeros(rows.shape[1])
    weights[-1] = logit(np.clip(yes.sum() / max(tries.sum(), 1), 1e-6, 1 - 1e-6)) - given.mean()
    for _ in range(rounds):
        chances = chance((rows @ weights)[:, None] + given)
        slope = rows.T @ (yes - tries * chances.mean(1)) - fixed @ weights
        bend = tries * (chances * (1 - chances)).mean(1)
        step = np.linalg.solve((rows * bend[:, None]).T @ rows + fixed, slope)
        weights += step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return weights


def guess(rows: np.ndarray, values: np.ndarray, penalty: float) -> np.ndarray:
    """Ridge regression of values [n, r] on rows [n, d], without an intercept: float32 [d, r]."""
    rows = rows.astype(float)
    found: np.ndarray = np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ values)
    return found.astype(np.float32)


def directions(owners: np.ndarray, rows: np.ndarray, shape: tuple[int, int], rank: int, seed: int) -> np.ndarray:
    """The main directions of who had what, largest first: float32 [items, at most rank]. Cost: about rank * pairs."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    if min(shape) < 2 or rank < 1:
        return np.zeros((shape[1], 0), np.float32)
    matrix = csr_array((np.ones(len(rows)), (owners, rows)), shape=shape)
    kept = min(rank, min(shape) - 1)
    found: np.ndarray = svds(matrix, k=kept, v0=np.random.default_rng(seed).normal(size=min(shape)))[2][::-1].T
    return np.ascontiguousarray(found, np.float32)


@dataclass(frozen=True)
class Told:
    """What a history tells in numbers: log(1 + items had), what else is known (`about`), and the sum of the items' directions / sqrt(had).

    axes: float32 [items, r]; scale: float32 [2, f], mean and spread of the numbers, which come out as (x - mean) / spread, within 4 of 0,
    and 0 where unknown (nan). `counted`: whether the numbers other than directions are told at all.
    """

    axes: np.ndarray
    scale: np.ndarray
    counted: bool = True

    @classmethod
    def learned(cls, axes: np.ndarray, owners: np.ndarray, rows: np.ndarray, about: np.ndarray, counted: bool) -> Self:
        """Scaled so that these histories have mean 0 and spread 1."""
        raw = _raw(axes, owners, rows, about, 1.0)
        spread = np.maximum(np.nanstd(raw, 0), 1e-3)
        return cls(axes, np.stack([np.nanmean(raw, 0), spread]).astype(np.float32), counted)

    def __call__(self, owners: np.ndarray, rows: np.ndarray, about: np.ndarray, share: np.ndarray | float = 1.0) -> np.ndarray:
        """owners, rows: pairs of person and item; about: [q, a]; share: of a history that is here. float32 [q, f]."""
        scaled = (_raw(self.axes, owners, rows, about, share) - self.scale[0]) / self.scale[1]
        if not self.counted:
            scaled[:, : scaled.shape[1] - self.axes.shape[1]] = 0
        return np.where(np.isfinite(scaled), np.clip(scaled, -4, 4), 0).astype(np.float32)


def _raw(axes: np.ndarray, owners: np.ndarray, rows: np.ndarray, about: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Counts and sums are those of the whole history, by estimate, where only a share of it is here."""
    from scipy.sparse import csr_array

    had = (np.bincount(owners, minlength=len(about)) / share)[:, None]
    sums = csr_array((np.ones(len(rows), np.float32), (owners, rows)), shape=(len(about), len(axes))) @ axes
    whole = sums / np.broadcast_to(share, len(about))[:, None]
    return np.concatenate([np.log1p(had), about, whole / np.sqrt(np.maximum(had, 1))], 1)


def chance(odds: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-odds))."""
    found: np.ndarray = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return found


def logit(chances: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), finite."""
    kept = np.clip(np.asarray(chances, float), 1e-7, 1 - 1e-7)
    return np.log(kept / (1 - kept))


def amounts(owners: np.ndarray, rows: np.ndarray, people: int, recent: np.ndarray, share: float = 1.0) -> np.ndarray:
    """log(1 + items had) of the recent ones and of all others, float [people, 2]: how often, and how lately, told by release.

    recent: bool [items], those of the last year before the one to foretell; share: of the histories that is here.
    """
    counts = [np.bincount(owners[recent[rows] == late], minlength=people) / share for late in (True, False)]
    return np.log1p(np.stack(counts, 1))


def scaled_logistic(
    features: np.ndarray, yes: np.ndarray, tries: np.ndarray, penalty: float, *, given: np.ndarray | None = None
) -> np.ndarray:
    """`logistic` with a penalty on weights of features of spread 1; the weights are those of the features as they are."""
    centre, spread = features.mean(0), np.maximum(features.std(0), 1e-6)
    weights = logistic((features - centre) / spread, yes, tries, penalty, given=given)
    slopes = weights[:-1] / spread
    return np.append(slopes, weights[-1] - slopes @ centre)


def log_odds(yes: np.ndarray, tries: np.ndarray | float) -> np.ndarray:
    """log((yes + 1/2) / (no + 1/2))."""
    found: np.ndarray = np.log((yes + 0.5) / (np.maximum(tries - yes, 0) + 0.5))
    return found
