"""Settings for a recall that is asked for, so that nobody has to know what a window is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nearkin.tables import unit

BLOCK = 16_384  # rows compared at once


def cheapest(settings: Sequence[int], recall: Callable[[int], float], target: float) -> int:
    """The first of these rising settings that reaches the recall, by bisection; the last when none does."""
    low, high = 0, len(settings) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if recall(settings[middle]) >= target else (middle + 1, high)
    return settings[low]


def sampled_queries(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Queries for tuning when none are given: some rows, each moved by noise half as long as itself. float32 [min(count, n), d]."""
    random = np.random.default_rng(seed)
    chosen = np.asarray(rows[np.sort(random.choice(len(rows), min(count, len(rows)), replace=False))], np.float32)
    noise = unit(random.standard_normal(chosen.shape).astype(np.float32))
    return chosen + 0.5 * np.linalg.norm(chosen, axis=1, keepdims=True) * noise


def exact_best(rows: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """The rows with the k largest products of each query, in no order, read block by block: int64 [q, min(k, n)]."""
    ids, scores = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = queries @ np.asarray(rows[start : start + BLOCK], np.float32).T
        ids = np.concatenate([ids, np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)], axis=1)
        scores = np.concatenate([scores, block], axis=1)
        if scores.shape[1] > k:
            best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            ids, scores = (np.take_along_axis(each, best, 1) for each in (ids, scores))
    return ids


def share_found(found: np.ndarray, wanted: np.ndarray) -> float:
    """The mean share of the wanted rows [q, k] that were found."""
    return float(np.mean([len(np.intersect1d(left, right)) / max(len(right), 1) for left, right in zip(found, wanted)]))
