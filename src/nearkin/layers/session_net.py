"""A session as one vector: a Transformer encoder that looks both ways, then the mean of what it says of each item."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nearkin.layers.attention_block import AttentionBlock
from nearkin.layers.grid import Grid
from nearkin.layers.pooling import mean_pool

DECAY = 0.7  # what serves counting models best


class SessionNet(nn.Module):
    """Items float [m, d] of packed sessions -> float [m, d], the session's vector at each of its items; `pooled`: float [b, d].

    vector = norm(mean_i blocks(dropout(item_i + place_i))), a mean with weights exp(fade[place]). Places count from the end of the session:
    what was seen last matters most, and a mean has no order of its own; at first each place weighs `DECAY` of the one after it.
    Cost: that of the blocks.
    """

    def __init__(self, dim: int, heads: int, blocks: int, *, length: int, dropout: float) -> None:
        super().__init__()
        made = (AttentionBlock(dim, heads, dropout=dropout, reach=length, causal=False) for _ in range(blocks))
        self.blocks = nn.ModuleList(made)
        self.place = nn.Parameter(torch.zeros(length, dim))
        self.fade = nn.Parameter(torch.arange(length) * math.log(DECAY))
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(dim)

    def pooled(self, inputs: Float[Tensor, "m d"], grid: Grid) -> Float[Tensor, "b d"]:
        from_end = torch.repeat_interleave(grid.lengths, grid.lengths) - 1 - grid.columns
        from_end = from_end.clamp_max(len(self.place) - 1)
        states = self.dropout(inputs + self.place[from_end])
        for block in self.blocks:
            states = block(states, grid)
        return self.norm(mean_pool(states, grid, self.fade.exp()[from_end]))

    def forward(self, inputs: Float[Tensor, "m d"], grid: Grid, _hidden: Tensor | None = None) -> Float[Tensor, "m d"]:
        return torch.repeat_interleave(self.pooled(inputs, grid), grid.lengths, dim=0)
