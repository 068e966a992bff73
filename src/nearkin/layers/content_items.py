"""Items that are what their fields say and nothing else: the same vectors are read and scored with, and no item has one of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nearkin.layers.field_table import FieldTable
from nearkin.layers.field_values import Bags
from nearkin.layers.text_column import TextColumn


class ContentItems(nn.Module):
    """All items' vectors: sum over fields of the mean of the item's values there (+ a map of its text's vector). -> float [n, d].

    A linear map of the concatenated vectors of f fields is a sum of f tables, each value's row already mapped; so the map is learned as
    part of the tables. Two items with the same values have the same vector. Cost: the values of all items times d.
    """

    codes: Tensor
    offsets: Tensor

    def __init__(self, bags: Bags, sizes: Sequence[int], dim: int, text: Float[Tensor, "n c"] | None = None) -> None:
        super().__init__()
        self.register_buffer("codes", torch.from_numpy(bags.codes), persistent=False)
        self.register_buffer("offsets", torch.from_numpy(bags.offsets), persistent=False)
        self.table = FieldTable(sizes, dim, spread=(dim * len(sizes)) ** -0.5)
        self.text = None if text is None else TextColumn(text, dim)

    def forward(self) -> Float[Tensor, "n d"]:
        summed = self.table(self.codes, self.offsets).sum(1)
        return summed if self.text is None else summed + self.text()
