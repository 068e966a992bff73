"""Sequences one after another, [m, d], and side by side, [b, t, d]: only what mixes positions needs the second form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Where the m tokens of b sequences stand in a grid of b rows and t columns, t the longest length; the rest of the grid is empty.

    places: int64 [m], row * t + column; columns: int64 [m], the position in the sequence, from 0; lengths: int64 [b].
    """

    places: Tensor
    columns: Tensor
    lengths: Tensor
    width: int

    @classmethod
    def of(cls, lengths: Tensor) -> Self:
        width = int(lengths.max()) if len(lengths) else 0
        starts = lengths.cumsum(0) - lengths
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
        columns = torch.arange(len(owner), device=lengths.device) - starts[owner]
        return cls(owner * width + columns, columns, lengths, width)

    @property
    def full(self) -> bool:
        """Whether all sequences are equally long."""
        return len(self.places) == len(self.lengths) * self.width

    @property
    def last(self) -> Tensor:
        """The last token of each sequence: int64 [b]."""
        return self.lengths.cumsum(0) - 1

    def spread(self, tokens: Tensor) -> Tensor:
        """float [m, ...] -> float [b, t, ...], 0 where there is no token."""
        shape = (len(self.lengths), self.width, *tokens.shape[1:])
        if self.full:
            return tokens.reshape(shape)
        return tokens.new_zeros(shape[0] * shape[1], *shape[2:]).index_copy(0, self.places, tokens).reshape(shape)

    def packed(self, grid: Tensor) -> Tensor:
        """float [b, t, ...] -> float [m, ...]."""
        flat = grid.flatten(0, 1)
        return flat if self.full else flat.index_select(0, self.places)

    def there(self) -> Tensor:
        """Which places of the grid hold a token: bool [b, t]."""
        return torch.arange(self.width, device=self.lengths.device) < self.lengths[:, None]
