"""Items that are what their fields say and nothing else: the same vectors are read and scored with, and no item has one of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from nearkin.layers.field_values import Bags
from nearkin.layers.text_column import TextColumn


class ContentItems(nn.Module):
    """All items' vectors: sum over fields of the mean of the item's values there (+ a map of its text's vector). -> float [n, d].

    A linear map of the concatenated vectors of f fields is a sum of f tables, each value's row already mapped; so the map is learned as
    part of the tables: `rows`, float [v, d]. Two items with the same values have the same vector.
    Cost: the values of all items times d, as a product with a sparse matrix that is made once (an eighth of what bags of rows take).
    """

    shares: Tensor
    turned: Tensor

    def __init__(self, bags: Bags, sizes: Sequence[int], dim: int, text: Float[Tensor, "n c"] | None = None) -> None:
        super().__init__()
        shares, turned = _shares(bags, sum(sizes))
        self.register_buffer("shares", shares, persistent=False)
        self.register_buffer("turned", turned, persistent=False)
        self.rows = nn.Parameter(torch.randn(sum(sizes), dim) * (dim * len(sizes)) ** -0.5)
        self.text = None if text is None else TextColumn(text, dim)

    def forward(self) -> Float[Tensor, "n d"]:
        summed = _Product.apply(self.rows, self.shares, self.turned)
        return summed if self.text is None else summed + self.text()


class _Product(torch.autograd.Function):
    """A fixed sparse matrix times a dense one, with the transpose at hand for the way back."""

    @staticmethod
    def forward(context: Any, rows: Tensor, matrix: Tensor, turned: Tensor) -> Tensor:
        context.turned = turned
        return matrix @ rows

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return context.turned @ gradients[0].contiguous(), None, None


def _shares(bags: Bags, size: int) -> tuple[Tensor, Tensor]:
    """What part each value has in each item, float [n, v] as a sparse matrix, and its transpose."""
    thing, share = bags.owners // bags.fields, (1 / np.diff(bags.offsets)[bags.owners]).astype(np.float32)
    order = np.lexsort((thing, bags.codes))
    stops = np.concatenate([[0], np.cumsum(np.bincount(bags.codes, minlength=size))])
    there = (bags.offsets[:: bags.fields], bags.codes, share, (len(bags), size))
    back = (stops, thing[order], share[order], (size, len(bags)))
    return _sparse(*there), _sparse(*back)


def _sparse(stops: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls these matrices a beta
        return torch.sparse_csr_tensor(*(torch.from_numpy(np.ascontiguousarray(each)) for each in (stops, columns, values)), shape)
