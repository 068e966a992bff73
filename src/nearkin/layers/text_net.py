"""Texts as runs of word pieces: what their words are, kept as it is, and beside it what attention blocks learn to say of the whole."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from nearkin.layers.attention_block import AttentionBlock
from nearkin.layers.grid import Grid

HEADS = 4


class TextNet(nn.Module):
    """Weighted sums of the fixed rows and of the fixed codes of pieces, each of length 1, followed by `room` learned numbers.

    table: float [v, d], rows of pieces, near where meanings are; codes: float [v, c], near for no two pieces, so that exact words count;
    weights: float [v], what a piece counts in the sums; one that stands c times in a text counts as log2(1 + c). The learned numbers
    are a linear map of the mean state of the blocks, which read the rows through a layer `inner` wide, each with its place
    up to `length`.
    What is learned cannot spoil what the words say, only outweigh it.
    Cost: d + c + blocks * 8 inner^2 + d * inner multiplications a piece.
    """

    table: Tensor
    codes: Tensor
    weights: Tensor

    def __init__(
        self,
        table: Float[Tensor, "v d"],
        codes: Float[Tensor, "v c"],
        weights: Float[Tensor, " v"],
        *,
        blocks: int,
        inner: int,
        room: int,
        length: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("codes", codes, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        dim = table.shape[1]
        self.narrow, self.wide = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.place = nn.Parameter(torch.randn(length, inner) / 2)
        self.blocks = nn.ModuleList(AttentionBlock(inner, HEADS, inner=2 * inner, dropout=dropout, causal=False) for _ in range(blocks))
        self.norm, self.last = nn.LayerNorm(inner), nn.Linear(inner, room)
        self.hidden = nn.Parameter(torch.zeros(dim))

    def states(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"], hidden: Bool[Tensor, " m"] | None = None) -> Tensor:
        """Packed piece rows of some texts -> float [m, inner]; where `hidden`, a learned vector stands in place of the piece."""
        rows = F.embedding(pieces, self.table)
        if hidden is not None:
            rows = torch.where(hidden[:, None], self.hidden, rows)
        grid = Grid.of(lengths)
        held = self.narrow(rows) + self.place[grid.columns.clamp_max(len(self.place) - 1)]
        for block in self.blocks:
            held = block(held, grid)
        normed: Tensor = self.norm(held)
        return normed

    def guessed(self, states: Float[Tensor, "m i"]) -> Float[Tensor, "m d"]:
        """What hidden pieces may have been, as vectors to compare with the table."""
        found: Tensor = self.wide(states)
        return found

    def words(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b e"]:
        """What the pieces of each text come to; of length 1."""
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=pieces.device), lengths)
        _, own, counts = torch.unique(owner * len(self.table) + pieces, return_inverse=True, return_counts=True)
        weights = self.weights[pieces] * (torch.log2(1.0 + counts) / counts)[own]
        starts = lengths.cumsum(0) - lengths
        sums = [F.embedding_bag(pieces, each, starts, mode="sum", per_sample_weights=weights) for each in (self.table, self.codes)]
        return F.normalize(torch.cat([F.normalize(each, dim=1) for each in sums], 1), dim=1)

    def said(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b r"]:
        """The learned numbers of each text."""
        states = self.states(pieces, lengths)
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=pieces.device), lengths)
        mean = states.new_zeros(len(lengths), states.shape[1]).index_add(0, owner, states) / lengths[:, None]
        found: Tensor = self.last(mean)
        return found

    def forward(self, pieces: Int[Tensor, " m"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b w"]:
        """One vector a text, not of length 1; every text has a piece at least."""
        with torch.no_grad():
            words = self.words(pieces, lengths)
        return torch.cat([words, self.said(pieces, lengths)], 1)
