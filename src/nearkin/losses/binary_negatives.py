"""Each item judged alone: the right one against negatives that were drawn."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def binary_negatives(positive: Float[Tensor, " m"], negative: Float[Tensor, "m s"]) -> Float[Tensor, ""]:
    """Binary cross-entropy: the right item is a yes, each of its s negatives a no.

    loss = mean_i -log sigmoid(positive_i) - sum_s log(1 - sigmoid(negative_is))
    Scores learned from it are too sure of themselves by as much as negatives are fewer than items; see `calibrated_negatives`.
    Source: SASRec (Kang and McAuley, ICDM 2018) with s = 1.
    """
    return (F.softplus(-positive) + F.softplus(negative).sum(1)).mean()


def calibrated_negatives(
    positive: Float[Tensor, " m"], negative: Float[Tensor, "m s"], *, items: int, calibration: float = 0.75
) -> Float[Tensor, ""]:
    """gBCE: `binary_negatives` with the right item's chance raised to a power, which undoes the overconfidence of few negatives.

    loss = mean_i -beta * log sigmoid(positive_i) - sum_s log(1 - sigmoid(negative_is))
    beta = a * (calibration * (1 - 1 / a) + 1 / a), a = s / (items - 1)
    calibration 0: plain binary cross-entropy; 1: chances as of the softmax over all items.
    Source: Petrov and Macdonald, "gSASRec", RecSys 2023, equations 10 to 12.
    """
    share = negative.shape[1] / (items - 1)
    power = share * (calibration * (1 - 1 / share) + 1 / share)
    return (power * F.softplus(-positive) + F.softplus(negative).sum(1)).mean()
