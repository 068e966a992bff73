"""Whether a list has the categories that its user likes, in the user's own shares."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from nearkin.errors import ShapeError

SMOOTHING = 0.01  # share of the target mixed into the list, so that the divergence stays finite; the paper's value


def category_divergence(target: Float[np.ndarray, "q c"], shown: Float[np.ndarray, "q c"]) -> Float[np.ndarray, " q"]:
    """The divergence between the categories a user has chosen and those a list shows, in nats; 0 when the shares are the same.

    Weights of the categories float [q, c] twice (any scale; each row is brought to sum 1) -> float64 [q].
    KL = sum_c p_c log(p_c / ((1 - a) s_c + a p_c)), a = 0.01; a user without history has 0. Cost: q * c.
    Refused: other shapes, negative weights. Source: Steck, "Calibrated recommendations", RecSys 2018.
    """
    if target.shape != shown.shape or (target < 0).any() or (shown < 0).any():
        raise ShapeError(f"expected two arrays [q, c] of weights, none negative, got {list(target.shape)} and {list(shown.shape)}")
    wanted, given = _shares(target), _shares(shown)
    mixed = (1 - SMOOTHING) * given + SMOOTHING * wanted
    there = wanted > 0
    return np.where(there, wanted * np.log(np.where(there, wanted, 1) / np.where(there, mixed, 1)), 0).sum(1)


def _shares(weights: Float[np.ndarray, "q c"]) -> Float[np.ndarray, "q c"]:
    whole = weights.sum(1, keepdims=True)
    return weights / np.where(whole > 0, whole, 1)
