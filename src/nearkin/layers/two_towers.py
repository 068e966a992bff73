"""Two towers: what asks and what is asked for, each to a vector of one length, so that answering is a search."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from nearkin.layers.field_table import FieldTable


class Tower(nn.Module):
    """unit(MLP(x)): float [b, c] -> float [b, d] of length 1. Linear layers of the given widths, a ReLU between each two."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in pairwise(widths):
            layers += [nn.Linear(inner, outer), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, given: Float[Tensor, "b c"]) -> Float[Tensor, "b d"]:
        return F.normalize(self.layers(given), dim=1)


class TwoTowers(nn.Module):
    """Items by their fields, and those who ask by the fields of the items they had: both float [b, dim] of length 1.

    sizes: codes of each field. One `FieldTable` of `width` serves both; the vectors of an item's fields side by side go through the item
    tower, and the mean over a history of the same, through the tower of those who ask. Cost: MLPs of f * width -> hidden -> dim.
    """

    def __init__(self, sizes: Sequence[int], width: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.table = FieldTable(sizes, width)
        self.of_items = Tower(len(sizes) * width, hidden, dim)
        self.of_histories = Tower(len(sizes) * width, hidden, dim)

    def items(self, codes: Int[Tensor, " m"], offsets: Int[Tensor, " o"]) -> Float[Tensor, "n d"]:
        return self.of_items(self.table(codes, offsets).flatten(1))

    def histories(self, codes: Int[Tensor, " m"], offsets: Int[Tensor, " o"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b d"]:
        """codes, offsets: the bags of the items of the histories one after another; lengths: items of each history, none 0."""
        each = self.table(codes, offsets).flatten(1)
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
        total = each.new_zeros(len(lengths), each.shape[1]).index_add(0, owner, each)
        return self.of_histories(total / lengths[:, None])
