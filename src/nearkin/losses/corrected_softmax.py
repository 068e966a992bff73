"""Softmax over sampled items, corrected for how likely each was to be sampled."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def corrected_softmax(
    positive: Float[Tensor, " m"],
    negative: Float[Tensor, "m s"],
    right: Int[Tensor, " m"],
    drawn: Int[Tensor, " s"],
    log_q: Float[Tensor, " s"],
    *,
    log_q_right: Float[Tensor, " m"] | None = None,
) -> Float[Tensor, ""]:
    """Cross-entropy of the right item against shared negatives; what was drawn and is right itself is left out.

    right, drawn: which items these are; log_q: the logarithm of the chance with which each negative is drawn; log_q_right: the same for
    the right items where they too were sampled (in-batch negatives), else they stand as they are.
    loss = mean_i -log exp(p_i) / (exp(p_i) + sum over s with drawn_s != right_i of exp(n_is)), p_i = positive_i - log_q_right_i,
    n_is = negative_is - log_q_s
    A sum of gradients over everything drawn then has the gradient of the full softmax for its mean, as the draws grow in number.
    Source: Bengio and Senécal 2008; Yi et al., RecSys 2019.
    """
    own = positive if log_q_right is None else positive - log_q_right
    others = (negative - log_q).masked_fill(right[:, None] == drawn, -torch.inf)
    scores = torch.cat([own[:, None], others], dim=1)
    return F.cross_entropy(scores, torch.zeros_like(right))
