"""How good predicted probabilities are: order (AUC), sharpness and truth (log-loss), and truth alone (calibration error)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError


def auc(labels: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """The chance that a random positive scores above a random negative, ties counting half.

    Labels 0 or 1 [n], scores of any scale [n] -> a number in [0, 1]. Cost: a sort. Refused: only one kind of label.
    """
    _check(labels, scores)
    positive = labels == 1
    ahead, behind = int(positive.sum()), int((~positive).sum())
    if not ahead or not behind:
        raise ShapeError(f"AUC needs positives and negatives, got {ahead} and {behind}")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # mean rank from 1 of each group of equal scores
    return float((middle[place][positive].sum() - ahead * (ahead + 1) / 2) / (ahead * behind))


def log_loss(labels: Int[np.ndarray, " n"], chances: Float[np.ndarray, " n"], *, floor: float = 1e-7) -> Float[np.ndarray, " n"]:
    """Minus the logarithm of the probability given to what happened, each: float64 [n]; probabilities are kept `floor` from 0 and 1."""
    _check(labels, chances)
    kept = np.clip(chances.astype(float), floor, 1 - floor)
    return -np.where(labels == 1, np.log(kept), np.log(1 - kept))


def calibration_error(labels: Int[np.ndarray, " n"], chances: Float[np.ndarray, " n"], *, bins: int = 10) -> float:
    """The expected gap between the probability given and the share that happened, over bins of equal width.

    ECE = sum over bins of |bin| / n * |mean label - mean probability|; a probability of 1 falls into the last bin. Cost: n.
    Refused: probabilities outside [0, 1]. Source: Naeini et al., AAAI 2015.
    """
    _check(labels, chances)
    if len(chances) and (chances.min() < 0 or chances.max() > 1):
        raise ShapeError(f"probabilities lie in [0, 1], got {chances.min()} to {chances.max()}")
    place = np.minimum((chances * bins).astype(int), bins - 1)
    gap = np.bincount(place, labels, bins) - np.bincount(place, chances, bins)
    return float(np.abs(gap).sum() / max(len(labels), 1))


def _check(labels: np.ndarray, scores: np.ndarray) -> None:
    if labels.shape != scores.shape or not np.isin(labels, (0, 1)).all() or not np.isfinite(scores).all():
        raise ShapeError(f"expected labels 0 or 1 and finite scores, one each; got {list(labels.shape)} and {list(scores.shape)}")
