"""Vectors that an encoder gave for the texts of things, kept as they are and mapped to the width of a model."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class TextColumn(nn.Module):
    """(vectors_i - mean) / size times W: rows int64 [b] or None (all n) -> float [b, d].

    vectors: float [n, c], fixed and not part of the state; size: the mean length of what is centred; W: [c, d], 0 at first, so that text
    comes in as far as it helps. A text without a vector (a row of zeros) gives zeros. `as_map`: the same as centre [c] and matrix [c, d].
    Cost: b * c * d multiplications.
    """

    vectors: Tensor
    centre: Tensor

    def __init__(self, vectors: Float[Tensor, "n c"], dim: int) -> None:
        super().__init__()
        there = vectors.abs().sum(1, keepdim=True) > 0
        centre = vectors[there[:, 0]].mean(0) if there.any() else vectors.new_zeros(vectors.shape[1])
        moved = torch.where(there, vectors - centre, 0)
        size = moved.norm(dim=1).sum() / there.sum().clamp_min(1)
        self.size = float(size.clamp_min(1e-9))
        self.register_buffer("vectors", (moved / self.size).float(), persistent=False)
        self.register_buffer("centre", centre.float(), persistent=False)
        self.turn = nn.Linear(vectors.shape[1], dim, bias=False)
        nn.init.zeros_(self.turn.weight)

    def forward(self, rows: Int[Tensor, " b"] | None = None) -> Float[Tensor, "b d"]:
        return self.turn(self.vectors if rows is None else self.vectors.index_select(0, rows))

    def as_map(self) -> tuple[Tensor, Tensor]:
        return self.centre, self.turn.weight.detach().T / self.size
