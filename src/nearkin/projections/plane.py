"""A map of things: a place on a plane for each, near the places of what it is most like."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError
from nearkin.kernels.plane_walk import move

EPOCHS = ((50_000, 300), (500_000, 150))  # up to so many things, so many epochs
LAST_EPOCHS = 60
PUSHES = 5  # a pull
ROUNDS = 24  # of the bisection for the reach of a thing


def plane(
    neighbours: Int[np.ndarray, "n k"], distances: Float[np.ndarray, "n k"], start: Float[np.ndarray, "n 2"], *, seed: int = 0
) -> Float[np.ndarray, "n 2"]:
    """Places of n things from the k nearest of each: uniform manifold approximation, with 1 / (1 + d^2) for likeness on the plane.

    neighbours: rows, -1 for none, the nearest first, never the thing itself; distances: theirs, 0 or more; start: where the things
    stand at first, such as the two main axes. Strength of an edge: a + b - ab of `strengths` from both ends; edges are drawn in proportion.
    A thing without neighbours stays near where it started. Same input, same seed: same places. Cost: O(epochs * n * k).
    Source: McInnes, Healy and Melville, 2018 (UMAP).
    """
    if neighbours.shape != distances.shape or len(start) != len(neighbours):
        raise ShapeError(f"a row of neighbours, distances and start for each thing: {neighbours.shape}, {distances.shape}, {start.shape}")
    if not (neighbours >= 0).any():
        return start.astype(np.float32)
    heads, tails, weights = _edges(neighbours, strengths(distances, neighbours >= 0))
    epochs = next((count for most, count in EPOCHS if len(start) <= most), LAST_EPOCHS)
    size = np.abs(start - start.mean(0)).max() or 1
    noise = np.random.default_rng(seed).normal(0, 1e-3, start.shape)  # so that equal things part
    places = ((start - start.mean(0)) * (10 / size) + noise).astype(np.float32)
    chances = (weights / weights.max()).astype(np.float32)
    kept = chances >= 1 / epochs
    move(places, heads[kept], tails[kept], chances[kept], epochs, 1.0, PUSHES, seed + 1)
    return places


def strengths(distances: Float[np.ndarray, "n k"], there: np.ndarray) -> Float[np.ndarray, "n k"]:
    """exp(-(d - d_nearest) / reach), the reach such that a row sums to log2(k); 0 where no neighbour is there."""
    count = max(2, distances.shape[1])
    beyond = np.where(there, distances - distances[:, :1], np.inf).astype(np.float32)
    low, high = np.zeros(len(distances), np.float32), np.full(len(distances), np.inf, np.float32)
    reach = np.ones(len(distances), np.float32)
    for _ in range(ROUNDS):
        more = np.exp(-beyond / reach[:, None]).sum(1) > np.log2(count)
        low, high = np.where(more, low, reach), np.where(more, reach, high)
        reach = np.where(np.isinf(high), reach * 2, (low + high) / 2)
    return np.exp(-beyond / np.maximum(reach, 1e-6)[:, None])  # type: ignore[no-any-return]


def _edges(neighbours: np.ndarray, strong: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heads, tails, and the strength of each pair as seen from both ends."""
    from scipy.sparse import csr_array

    size = len(neighbours)
    rows, columns = np.nonzero(neighbours >= 0)
    ends = (rows, neighbours[rows, columns])
    one = csr_array((strong[rows, columns], ends), shape=(size, size))
    both = (one + one.T - one * one.T).tocoo()
    return both.row.astype(np.int32), both.col.astype(np.int32), both.data


def placed(neighbours: Int[np.ndarray, "m k"], likeness: Float[np.ndarray, "m k"], places: Float[np.ndarray, "n 2"]) -> np.ndarray:
    """New things at the mean of their neighbours' places, by likeness (negative counts as none): float32 [m, 2].

    Without any like neighbour: the middle of all places. So that nothing that stood before moves.
    """
    weights = np.where(neighbours >= 0, np.maximum(likeness, 0), 0)
    whole = weights.sum(1, keepdims=True)
    found = (weights[:, :, None] * places[np.maximum(neighbours, 0)]).sum(1) / np.maximum(whole, 1e-12)
    return np.where(whole > 0, found, places.mean(0)).astype(np.float32)  # type: ignore[no-any-return]


def aligned(places: Float[np.ndarray, "n 2"], wanted: Float[np.ndarray, "n 2"], which: np.ndarray) -> Float[np.ndarray, "n 2"]:
    """All places turned, mirrored, scaled and moved so that those of `which` come nearest to where they are `wanted` (Procrustes).

    wanted: a row for each of `which`. Fewer than three of them leave the places as they are.
    """
    if len(wanted) < 3:
        return places
    known = places[which]
    one, other = known - known.mean(0), wanted - wanted.mean(0)
    left, values, right = np.linalg.svd(one.T @ other)
    scale = values.sum() / max(float((one**2).sum()), 1e-12)
    return ((places - known.mean(0)) @ (left @ right) * scale + wanted.mean(0)).astype(np.float32)  # type: ignore[no-any-return]
