"""Solvers of LeanVec-OOD: two matrices A (queries) and B (items) with the least error of inner products, from second moments alone.

    loss(A, B) = mean over queries q and items x of (<A q, B x> - <q, x>)^2 = tr(Q M X M^T),    M = A^T B - I

with Q the mean of q q^T and X the mean of x x^T, both [d, d]; so the cost does not depend on how many vectors there are.
Source: Tepper et al., "LeanVec: searching vectors faster by making them fit", 2024; sphering after Tepper and Willke, "GleanVec", 2024.
"""

from __future__ import annotations

import numpy as np

from nearkin.projections.moments import leading

Pair = tuple[np.ndarray, np.ndarray]  # A and B, float64 [dim, d] each


def loss(pair: Pair, asked: np.ndarray, held: np.ndarray) -> float:
    """The mean squared error of inner products; asked, held: second moments of queries and of items."""
    gap = _gap(pair)
    return float(np.sum((asked @ gap) * (gap @ held)))


def gradients(pair: Pair, asked: np.ndarray, held: np.ndarray) -> Pair:
    """The derivatives of the loss by A and by B: 2 B X M^T Q and 2 A Q M X."""
    gap = _gap(pair)
    return 2 * (pair[1] @ held) @ (gap.T @ asked), 2 * (pair[0] @ asked) @ (gap @ held)


def _gap(pair: Pair) -> np.ndarray:
    """A^T B - I."""
    return pair[0].T @ pair[1] - np.eye(pair[0].shape[1])


def eigen_search(asked: np.ndarray, held: np.ndarray, dim: int) -> Pair:
    """A = B = the leading eigenvectors of (1 - b) Q / tr Q + b X / tr X, with the scalar b that has the least loss.

    Brent's minimiser refines the best of a few values of b, among them 0 and 1 (1 is LeanVec-ID), as the loss may have several valleys.
    """
    from scipy.optimize import minimize_scalar

    sides = asked / np.trace(asked), held / np.trace(held)

    def rows(share: float) -> np.ndarray:
        return leading((1 - share) * sides[0] + share * sides[1], dim)[1]

    def error(share: float) -> float:
        return loss((rows(share), rows(share)), asked, held)

    tried = np.linspace(0, 1, 5)
    errors = [error(share) for share in tried]
    best = int(np.argmin(errors))
    near = float(tried[max(best - 1, 0)]), float(tried[min(best + 1, 4)])
    refined = minimize_scalar(error, bounds=near, method="bounded", options={"xatol": 1e-3})
    share = float(refined.x) if refined.fun < errors[best] else float(tried[best])
    return rows(share), rows(share)


def frank_wolfe(asked: np.ndarray, held: np.ndarray, start: Pair, *, rounds: int = 200, tolerance: float = 1e-4) -> Pair:
    """A and B in turn, each within the matrices of spectral norm at most 1 (the hull of those with orthonormal rows).

    A step goes towards the minimiser of the linearised loss, -U V^T for a gradient U S V^T; as the loss is quadratic along it, the best
    length is known, and is used instead of the paper's falling lengths: the loss never rises. Stops when a round gains less than
    `tolerance` of the loss.
    """
    pair, before = start, loss(start, asked, held)
    for _ in range(rounds):
        for side in (0, 1):
            pair = _step(pair, side, asked, held)
        now = loss(pair, asked, held)
        if before - now <= tolerance * before:
            break
        before = now
    return pair


def _step(pair: Pair, side: int, asked: np.ndarray, held: np.ndarray) -> Pair:
    """One step of A (side 0) or B (side 1)."""
    slope = gradients(pair, asked, held)[side]
    left, _, right = np.linalg.svd(slope, full_matrices=False)
    change = -(left @ right) - pair[side]
    move = change.T @ pair[1] if side == 0 else pair[0].T @ change
    bend = float(np.sum((asked @ move) * (move @ held)))
    length = min(1.0, max(0.0, -float(np.sum(slope * change)) / (2 * bend))) if bend > 0 else 0.0
    moved = pair[side] + length * change
    return (moved, pair[1]) if side == 0 else (pair[0], moved)


def sphering(asked: np.ndarray, held: np.ndarray, dim: int) -> Pair:
    """The closed form without a bound on A and B: with W = Q^(1/2) and U the leading eigenvectors of W X W, A = U W^-1 and B = U W.

    The inner products of the sample cannot be had better from `dim` numbers: U^T U W X is the best approximation of W X of that rank.
    Refused by the caller: Q without full rank, hence the ridge.
    """
    values, vectors = np.linalg.eigh(asked)
    roots = np.sqrt(np.maximum(values, np.finfo(np.float64).eps * values[-1]))
    root, inverse = (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
    kept = leading(root @ held @ root, dim)[1]
    return kept @ inverse, kept @ root
