"""How good predicted probabilities are: order (AUC, average precision), sharpness and truth (log-loss, Brier), truth (calibration)."""

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


def average_precision(labels: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """The area under the precision-recall curve of pooled pairs, as the sum of its steps; equal scores are one step.

    AP = sum over distinct scores t, falling, of (recall_t - recall_before) * precision_t. Labels 0 or 1 [n], scores of any scale [n].
    Cost: a sort. Refused: no positive.
    """
    hits, counts, _ = _steps(labels, scores)
    return float((np.diff(hits, prepend=0) * hits / counts).sum() / hits[-1])


def cut_for_recall(labels: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], recall: float) -> tuple[float, float]:
    """The highest threshold that keeps this share of the positives, and the precision of what it keeps (score >= threshold).

    Cost: a sort. Refused: no positive, a recall outside (0, 1].
    """
    if not 0 < recall <= 1:
        raise ShapeError(f"the recall to keep lies in (0, 1], got {recall}")
    hits, counts, values = _steps(labels, scores)
    place = int(np.searchsorted(hits, recall * hits[-1] * (1 - 1e-12)))  # 0.95 * 20 may exceed 19 in the last bit
    return float(values[place]), float(hits[place] / counts[place])


def brier(labels: Int[np.ndarray, " n"], chances: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The squared distance between the probability given and what happened, each: float64 [n]. Source: Brier, 1950."""
    _check(labels, chances)
    return (chances.astype(float) - labels) ** 2


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
    given, happened, _ = _binned(labels, chances, bins)
    return float(np.abs(happened - given).sum() / max(len(labels), 1))


def reliability(
    labels: Int[np.ndarray, " n"], chances: Float[np.ndarray, " n"], *, bins: int = 10
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"], Int[np.ndarray, " bins"]]:
    """The curve of trust: for each bin that holds any, the mean probability given, the share that happened, and how many fell there.

    Bins of equal width, as in `calibration_error`; on the diagonal the probabilities are true. Cost: n.
    """
    given, happened, counts = _binned(labels, chances, bins)
    there = counts > 0
    return given[there] / counts[there], happened[there] / counts[there], counts[there]


def _binned(labels: np.ndarray, chances: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum of probabilities, sum of labels and count of each bin of equal width."""
    _check(labels, chances)
    if len(chances) and (chances.min() < 0 or chances.max() > 1):
        raise ShapeError(f"probabilities lie in [0, 1], got {chances.min()} to {chances.max()}")
    place = np.minimum((chances * bins).astype(int), bins - 1)
    return np.bincount(place, chances, bins), np.bincount(place, labels, bins), np.bincount(place, minlength=bins)


def _steps(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each distinct score, falling: positives and pairs at or above it, and the score."""
    _check(labels, scores)
    if not labels.any():
        raise ShapeError(f"precision and recall need a positive, got {len(labels)} negatives")
    order = np.argsort(-scores, kind="stable")
    values = scores[order]
    last = np.append(values[1:] != values[:-1], True)
    return np.cumsum(labels[order])[last], np.flatnonzero(last) + 1, values[last]


def _check(labels: np.ndarray, scores: np.ndarray) -> None:
    if labels.shape != scores.shape or not np.isin(labels, (0, 1)).all() or not np.isfinite(scores).all():
        raise ShapeError(f"expected labels 0 or 1 and finite scores, one each; got {list(labels.shape)} and {list(scores.shape)}")
