"""Contrast of pairs in a batch, in which copies of the right thing are no negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def info_nce(
    left: Float[Tensor, "b m"],
    right: Float[Tensor, "c m"],
    own: Int[Tensor, " c"] | None = None,
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """Row i of left belongs with row i of right; the other rows of right are its negatives.

    right: first the b own ones, then explicit negatives, c >= b. own: the thing behind each row of right; rows with the thing of row i
    are no negatives of it. Vectors are compared by cosine.
    loss = mean_i -log exp(s_ii) / (exp(s_ii) + sum over j of another thing than i of exp(s_ij)), s_ij = cosine_ij / temperature
    Source: van den Oord et al. 2018.
    """
    place = torch.arange(len(left), device=left.device)
    scores = F.normalize(left, dim=1) @ F.normalize(right, dim=1).T / temperature
    if own is not None:
        same = own[: len(left), None] == own
        same[place, place] = False
        scores = scores.masked_fill(same, -torch.inf)
    return F.cross_entropy(scores, place)


def symmetric_info_nce(
    left: Float[Tensor, "b m"], right: Float[Tensor, "b m"], own: Int[Tensor, " b"] | None = None, *, temperature: float = 0.1
) -> Float[Tensor, ""]:
    """The mean of `info_nce` from left to right and from right to left."""
    there = info_nce(left, right, own, temperature=temperature)
    return (there + info_nce(right, left, own, temperature=temperature)) / 2
