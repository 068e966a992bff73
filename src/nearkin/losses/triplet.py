"""The right thing nearer than a wrong one by a margin."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def triplet(
    anchor: Float[Tensor, "b m"], right: Float[Tensor, "b m"], wrong: Float[Tensor, "b s m"], *, margin: float = 1.0
) -> Float[Tensor, ""]:
    """Of s wrong things the nearest one counts.

    loss = mean_i max(0, margin + |anchor_i - right_i|^2 - min_s |anchor_i - wrong_is|^2)
    Source: Weinberger and Saul 2009; the nearest of several negatives as in collaborative metric learning (WWW 2017).
    """
    near = (anchor - right).square().sum(1)
    far = (anchor[:, None] - wrong).square().sum(2).amin(1)
    return (margin + near - far).relu().mean()
