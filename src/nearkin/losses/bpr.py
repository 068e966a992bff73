"""The right item before one that was drawn: Bayesian personalised ranking."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def bpr(positive: Float[Tensor, " m"], negative: Float[Tensor, "m s"]) -> Float[Tensor, ""]:
    """Each right item should score above each of its negatives.

    loss = mean over i and s of -log sigmoid(positive_i - negative_is). Weight decay is the optimizer's.
    Source: Rendle et al., UAI 2009, with s = 1.
    """
    return F.softplus(negative - positive[:, None]).mean()
