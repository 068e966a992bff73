"""Three networks that read a sequence of item vectors: packed inputs float [m, d] -> states float [m, d], one a position."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nearkin.layers.attention_block import AttentionBlock
from nearkin.layers.grid import Grid
from nearkin.layers.gru_block import GruBlock


class SequenceNet(nn.Module):
    """Inputs (with positions, where `places` > 0) through dropout, blocks and a last norm.

    `hidden`: bool [m], tokens that are not shown: a learned vector stands in their place (only with `mask`).
    """

    def __init__(self, dim: int, blocks: nn.ModuleList, *, places: int = 0, dropout: float = 0.0, mask: bool = False) -> None:
        super().__init__()
        self.blocks, self.dropout, self.norm = blocks, nn.Dropout(dropout), nn.LayerNorm(dim)
        self.place = nn.Parameter(torch.zeros(places, dim)) if places else None
        self.mask = nn.Parameter(torch.randn(dim) * dim**-0.5) if mask else None

    def forward(self, inputs: Tensor, grid: Grid, hidden: Tensor | None = None) -> Tensor:
        states = inputs
        if self.mask is not None and hidden is not None:
            states = torch.where(hidden[:, None], self.mask.to(states.dtype), states)
        if self.place is not None:
            states = states + self.place[grid.columns.clamp_max(len(self.place) - 1)]
        states = self.dropout(states)
        for block in self.blocks:
            states = block(states, grid)
        return self.norm(states)


def attention_net(dim: int, heads: int, blocks: int, *, length: int, dropout: float, causal: bool) -> SequenceNet:
    """SASRec's network (causal), or BERT4Rec's (both ways, with a vector for what is hidden)."""
    made = (AttentionBlock(dim, heads, dropout=dropout, reach=length, causal=causal) for _ in range(blocks))
    return SequenceNet(dim, nn.ModuleList(made), places=length, dropout=dropout, mask=not causal)


def gru_net(dim: int, blocks: int, *, dropout: float) -> SequenceNet:
    """GRU4Rec's network."""
    return SequenceNet(dim, nn.ModuleList(GruBlock(dim, dropout=dropout) for _ in range(blocks)), dropout=dropout)
