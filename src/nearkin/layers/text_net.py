"""Texts as runs of word pieces through attention blocks, to one vector a text and one state a piece."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from nearkin.layers.attention_block import AttentionBlock
from nearkin.layers.grid import Grid


class TextNet(nn.Module):
    """Piece rows of a fixed table, moved by attention blocks; a text is the weighted sum of its states through a linear layer.

    table: float [v, d]; weights: float [v], what a piece counts in the sum. The blocks add nothing and the layer changes nothing at first,
    so an untrained net gives the sum of table rows. Cost: blocks * 8 d^2 multiplications a piece.
    """

    table: Tensor
    weights: Tensor

    def __init__(self, table: Float[Tensor, "v d"], weights: Float[Tensor, " v"], *, blocks: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        dim = table.shape[1]
        self.blocks = nn.ModuleList(AttentionBlock(dim, heads, inner=2 * dim, dropout=dropout, causal=False) for _ in range(blocks))
        self.last = nn.Linear(dim, dim, bias=False)
        self.hidden = nn.Parameter(torch.zeros(dim))
        nn.init.eye_(self.last.weight)
        for block in self.blocks:
            for each in (block.out, block.down):
                nn.init.zeros_(each.weight)
                nn.init.zeros_(each.bias)

    def states(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"], hidden: Bool[Tensor, " m"] | None = None) -> Tensor:
        """Packed piece rows of some texts -> float [m, d]; where `hidden`, a learned vector stands in place of the piece."""
        held = self.table[pieces]
        if hidden is not None:
            held = torch.where(hidden[:, None], self.hidden, held)
        grid = Grid.of(lengths)
        for block in self.blocks:
            held = block(held, grid)
        return held

    def forward(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b d"]:
        """One vector a text, not of length 1; every text has a piece at least."""
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=pieces.device), lengths)
        weighed = self.states(pieces, lengths) * self.weights[pieces][:, None]
        total = weighed.new_zeros(len(lengths), weighed.shape[1]).index_add(0, owner, weighed)
        return self.last(total / lengths[:, None])
