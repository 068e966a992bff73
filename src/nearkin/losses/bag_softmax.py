"""Foretelling an attribute that may have several values at once, or none."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def bag_softmax(scores: Float[Tensor, "b v"], values: Int[Tensor, " m"], owner: Int[Tensor, " m"]) -> Float[Tensor, ""]:
    """Cross-entropy against equal shares of the values that each row has; rows without a value do not count.

    values: which of the v values; owner: the row each belongs to.
    loss = mean over rows with values of the mean over these of -log softmax(scores_row)[value]; 0 where no row has one, which still
    back-propagates. Cost: b * v.
    """
    counts = torch.bincount(owner, minlength=len(scores))
    each = -F.log_softmax(scores, dim=1)[owner, values] / counts[owner]
    return each.sum() / (counts > 0).sum().clamp_min(1)
