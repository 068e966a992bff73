"""Softmax over a large vocabulary, with a few drawn words standing for all the others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def sampled_softmax(
    right: Float[Tensor, " m"], owner: Int[Tensor, " m"], drawn: Float[Tensor, "b s"], log_counts: Float[Tensor, " s"]
) -> Float[Tensor, " b"]:
    """Minus the log-likelihood of the words of each text, when s drawn words stand for the vocabulary.

    right: the score of each word that occurred, in text owner; drawn: scores of the drawn words for each text; log_counts: the
    logarithm of how often each drawn word was to be expected among the draws, so that rare draws count for more.
    loss_b = sum over the words i of text b of log(1 + exp(log(sum_s exp(drawn_bs - log_counts_s)) - right_i))
    Cost: b * s, whatever the number of words. Source: Jean, Cho, Memisevic and Bengio, ACL 2015; drawn words that occur are not taken out.
    """
    whole = torch.logsumexp(drawn - log_counts, dim=1)
    each = F.softplus(whole.index_select(0, owner) - right)
    return torch.zeros(len(drawn), dtype=right.dtype, device=right.device).index_add(0, owner, each)
