"""What is wanted nearer than what is not, weighted by how many stand in between; and axes that do not tell the same."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def weighted_hinge(near: Float[Tensor, " m"], far: Float[Tensor, "m s"], *, items: int, margin: float = 0.5) -> Float[Tensor, ""]:
    """Pull the right item inside a margin of the nearest of s wrong ones, hardest where many wrong ones intrude.

    near, far: squared distances to the right item and to s wrong ones that were drawn.
    loss = mean_i log(1 + items * U_i / s) * max(0, margin + near_i - min_s far_is),  U_i = how many s have margin + near_i > far_is
    The weight is a guess of the right item's rank among `items` and carries no gradient.
    Source: collaborative metric learning (Hsieh et al., WWW 2017), equations 2 to 4.
    """
    intrusion = margin + near[:, None] - far
    rank = (intrusion.detach() > 0).to(near.dtype).mean(1) * items
    return (rank.log1p() * intrusion.amax(1).relu()).mean()


def covariance(rows: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """The sum of squared covariances between different axes, each pair twice: 0 where the axes do not tell the same.

    C = (rows - mean)^T (rows - mean) / m;  loss = |C|_F^2 - |diag C|^2. The paper's further factor 1 / m is left to the caller's weight.
    Source: collaborative metric learning (Hsieh et al., WWW 2017), equation 7.
    """
    centred = rows - rows.mean(0)
    products = centred.T @ centred / len(rows)
    return products.square().sum() - torch.diagonal(products).square().sum()


def sampled_purchases(
    bought: Float[Tensor, " m"], passed: Float[Tensor, " p"], bought_rate: Float[Tensor, " m"], passed_rate: Float[Tensor, " p"]
) -> Float[Tensor, ""]:
    """Binary cross-entropy over what was bought and a share of what was passed by, with logits true for all of it.

    loss = (sum_i softplus(log r_i - bought_i) + sum_j softplus(passed_j - log r_j)) / m
    r: how much likelier a pair passed by was to be drawn than one bought. Drawing raises the odds by 1 / r; that much is added while
    learning, so it is not in the logits. r must not be made from what was bought (s zeros a purchase, say): those who bought nothing
    would teach nothing, and chances would follow the mean logarithm of purchases in place of their mean.
    Source: case-control sampling (King and Zeng 2001, section 4.1).
    """
    right = torch.nn.functional.softplus(bought_rate.log() - bought)
    wrong = torch.nn.functional.softplus(passed - passed_rate.log())
    return (right.sum() + wrong.sum()) / len(bought)
