"""Texts to unit vectors by a table of word pieces that a loss can train."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class WordTower(nn.Module):
    """unit(sum over pieces t of weights_t * rows_t): what `StaticWords` computes, with `rows` trained and `weights` fixed.

    `forward`: pieces int64 [sum of t], offsets int64 [b] (where each text begins) -> float [b, d]. The gradient of the table is sparse, so
    a step costs what the texts of its batch hold; train it with torch.optim.SparseAdam.
    """

    def __init__(self, rows: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(rows.detach().clone().float())
        self.register_buffer("weights", weights.detach().clone().float())

    def forward(self, pieces: Tensor, offsets: Tensor) -> Tensor:
        summed = F.embedding_bag(pieces, self.rows, offsets, mode="sum", sparse=True, per_sample_weights=self.weights[pieces])
        return F.normalize(summed, dim=1)
