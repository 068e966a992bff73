"""Contrastive loss over everything in a batch, in which another right answer of a query is no negative of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def batch_contrastive(
    queries: Float[Tensor, "b m"], items: Float[Tensor, "c m"], right: Bool[Tensor, "b c"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Query i belongs with item i; all further items of the batch, other queries' own among them, are its negatives.

    items: first the b own ones, then any negatives drawn or mined, c >= b. right: which items are right answers of which query; those
    besides its own are left out of the sum (right[i, i] plays no part).
    loss = mean_i -log exp(s_ii) / (exp(s_ii) + sum over j that are not right for i of exp(s_ij)), s_ij = <query_i, item_j> / temperature
    Source: the multi_ce loss of BiDR (WWW 2022), which takes temperature 1 on vectors of a LayerNorm.
    """
    own = torch.arange(len(queries), device=queries.device)
    others = right.clone()
    others[own, own] = False
    scores = (queries @ items.T / temperature).masked_fill(others, -torch.inf)
    return F.cross_entropy(scores, own)
