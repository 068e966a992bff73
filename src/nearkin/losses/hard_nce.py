"""Contrastive losses over the hardest negatives, in which things that occur twice are no negatives of themselves."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def hard_nce(
    asked: Float[Tensor, "b m"],
    answers: Float[Tensor, "b m"],
    own: Int[Tensor, " b"],
    *,
    hardest: int = 5,
    temperature: float = 0.05,
    more: Float[Tensor, "c m"] | None = None,
    more_own: Int[Tensor, " c"] | None = None,
) -> Float[Tensor, ""]:
    """Row i of asked belongs with row i of answers; its negatives are the `hardest` rows of another thing with the highest cosine.

    own: the thing behind each answer; rows of the same thing are never negatives. more: further answers (a queue, or none), with
    the things behind them.
    loss = mean_i -log exp(c_ii / temperature) / (exp(c_ii / temperature) + sum over the hardest j of exp(c_ij / temperature))
    Where fewer rows of other things are there, all of them count; with none the loss is 0.
    Source: the embedding-to-embedding loss of BEBR (KDD 2023, section 3.2).
    """
    right = answers if more is None else torch.cat([answers, more])
    things = own if more_own is None else torch.cat([own, more_own])
    cosines = F.normalize(asked, dim=1) @ F.normalize(right, dim=1).T / temperature
    positive = cosines.diagonal()[:, None]
    others = cosines.masked_fill(own[:, None] == things[None, :], -torch.inf)
    hard = others.topk(min(hardest, len(things)), dim=1).values
    return F.cross_entropy(torch.cat([positive, hard], dim=1), torch.zeros(len(asked), dtype=torch.int64, device=asked.device))


def symmetric_hard_nce(
    left: Float[Tensor, "b m"],
    right: Float[Tensor, "b m"],
    own: Int[Tensor, " b"],
    *,
    hardest: int = 5,
    temperature: float = 0.05,
    more: Float[Tensor, "c m"] | None = None,
    more_own: Int[Tensor, " c"] | None = None,
) -> Float[Tensor, ""]:
    """`hard_nce` from left to right plus from right to left; further answers are those of the right side."""
    there = hard_nce(left, right, own, hardest=hardest, temperature=temperature, more=more, more_own=more_own)
    return there + hard_nce(right, left, own, hardest=hardest, temperature=temperature)


def compatible_nce(
    left: Float[Tensor, "b m"],
    right: Float[Tensor, "b m"],
    old: Float[Tensor, "b m"],
    own: Int[Tensor, " b"],
    *,
    hardest: int = 5,
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """New queries find new codes and old ones: `symmetric_hard_nce(left, right)` plus `hard_nce(left, old)`.

    old: what the head in use before gives for the right side, without a gradient, so that what it coded stays searchable.
    Source: the backward-compatible training of BEBR (KDD 2023, section 3.3).
    """
    new = symmetric_hard_nce(left, right, own, hardest=hardest, temperature=temperature)
    return new + hard_nce(left, old.detach(), own, hardest=hardest, temperature=temperature)
