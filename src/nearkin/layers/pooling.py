"""One vector a sequence from the states of its tokens."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from nearkin.layers.grid import Grid


def mean_pool(states: Float[Tensor, "m d"], grid: Grid, weights: Float[Tensor, " m"] | None = None) -> Float[Tensor, "b d"]:
    """The mean of each sequence's states, weighted by positive weights where given; 0 for a sequence without a token."""
    owner = grid.places // max(1, grid.width)
    shares = states.new_ones(len(states)) if weights is None else weights.to(states.dtype)
    total = states.new_zeros(len(grid.lengths), states.shape[1]).index_add(0, owner, states * shares[:, None])
    whole = states.new_zeros(len(grid.lengths)).index_add(0, owner, shares)
    return total / whole.clamp_min(1e-9)[:, None]
