"""Several losses as one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def weighted_sum(losses: Float[Tensor, " k"], weights: Float[Tensor, " k"]) -> Float[Tensor, ""]:
    """sum_k weights_k * losses_k."""
    return (losses * weights).sum()


def uncertainty_sum(losses: Float[Tensor, " k"], log_variances: Float[Tensor, " k"]) -> Float[Tensor, ""]:
    """Losses weighted by how sure each task is, which is learned with them.

    loss = sum_k exp(-log_variances_k) * losses_k + log_variances_k / 2; begin with zeros.
    Source: Kendall, Gal and Cipolla, CVPR 2018, for losses of classification.
    """
    return (torch.exp(-log_variances) * losses + log_variances / 2).sum()
