"""Vectors for the values of fields: a thing's vector in a field is the mean of those of its values there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class FieldTable(nn.Module):
    """Bags of value codes to one vector a field: codes int64 [m], offsets int64 [n * f + 1] -> float [n, f, d].

    sizes: how many codes each of the f fields has (`FieldValues.sizes`), nothing and unknown among them, which have vectors like any value.
    Cost: m * d additions. Refused by torch: codes beyond the table.
    """

    def __init__(self, sizes: Sequence[int], dim: int, *, spread: float | None = None) -> None:
        super().__init__()
        self.fields = len(sizes)
        self.rows = nn.Parameter(torch.randn(sum(sizes), dim) * (dim**-0.5 if spread is None else spread))

    def forward(self, codes: Int[Tensor, " m"], offsets: Int[Tensor, " b"]) -> Float[Tensor, "n f d"]:
        means = F.embedding_bag(codes, self.rows, offsets, mode="mean", include_last_offset=True)
        return means.unflatten(0, (-1, self.fields))
