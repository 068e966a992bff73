"""Self-attention and a two-layer network over packed sequences, normed before, with a learned bias for each distance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nearkin.layers.grid import Grid


class AttentionBlock(nn.Module):
    """x += attention(norm(x)); x += down(gelu(up(norm(x)))). float [m, d] of packed sequences -> float [m, d].

    weight of position j for i = softmax_j(q_i . k_j / sqrt(d / heads) + bias[head, i - j]), j <= i where `causal`.
    bias: learned, one number a head and distance, distances from `reach` on share one; 0 at first. Dropout on the weights and on what
    is added. Only the attention itself pads to the longest sequence. Cost: 12 d^2 multiplications a token (with inner = 4 d), and 2 t * d.
    Source: pre-norm Transformer (Xiong et al. 2020); the distance bias is that of T5 (Raffel et al. 2020) without buckets.
    """

    def __init__(
        self, dim: int, heads: int, *, inner: int | None = None, dropout: float = 0.0, reach: int = 50, causal: bool = True
    ) -> None:
        super().__init__()
        inner = inner or 4 * dim
        self.heads, self.causal, self.reach, self.chance = heads, causal, reach, dropout
        self.before_attention, self.before_inner = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.asking, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.bias = nn.Parameter(torch.zeros(heads, reach if causal else 2 * reach - 1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, grid: Grid) -> Tensor:
        states = states + self.dropout(self.out(self._attention(self.before_attention(states), grid)))
        return states + self.dropout(self.down(F.gelu(self.up(self.before_inner(states)))))

    def _attention(self, states: Tensor, grid: Grid) -> Tensor:
        """[m, d] -> [m, d]."""
        parts = grid.spread(self.asking(states)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = self._mask(grid).to(parts.dtype)
        mixed = F.scaled_dot_product_attention(*parts, attn_mask=mask, dropout_p=self.chance if self.training else 0.0)
        return grid.packed(mixed.transpose(1, 2).flatten(2))

    def _mask(self, grid: Grid) -> Tensor:
        """What is added to the scores: float [1 or b, heads, t, t]; -inf where position i may not look at j."""
        at = torch.arange(grid.width, device=self.bias.device)
        away = at[:, None] - at
        low = 0 if self.causal else 1 - self.reach
        bias = self.bias[:, away.clamp(low, self.reach - 1) - low]
        if self.causal:  # what is not there comes last, so nobody looks at it
            return bias.masked_fill(away < 0, -torch.inf)[None]
        return bias[None] if grid.full else bias[None].masked_fill(~grid.there()[:, None, None, :], -torch.inf)
