"""A gated recurrent unit over packed sequences."""

from __future__ import annotations

from torch import Tensor, nn

from nearkin.layers.grid import Grid


class GruBlock(nn.Module):
    """x += dropout(W gru(norm(x))): float [m, d] of packed sequences -> float [m, d]; each position sees itself and those before.

    Cost: 6 d^2 (inner = d) multiplications a token, t steps one after another. Source: Cho et al. 2014.
    """

    def __init__(self, dim: int, *, inner: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.before = nn.LayerNorm(dim)
        self.gru = nn.GRU(dim, inner or dim, batch_first=True)
        self.out = nn.Linear(inner or dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, grid: Grid) -> Tensor:
        if not len(states):
            return states
        read, _ = self.gru(grid.spread(self.before(states)))  # what is not there comes last
        return states + self.dropout(self.out(grid.packed(read)))
