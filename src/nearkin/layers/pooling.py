"""One vector a sequence from the states of its tokens."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from nearkin.layers.grid import Grid


def mean_pool(states: Float[Tensor, "m d"], grid: Grid) -> Float[Tensor, "b d"]:
    """The mean of each sequence's states; 0 for one without a token."""
    owner = grid.places // max(1, grid.width)
    total = states.new_zeros(len(grid.lengths), states.shape[1]).index_add(0, owner, states)
    return total / grid.lengths.clamp_min(1)[:, None]
