"""The head of BEBR: a vector to a few bits a dimension, each loop coding what the bits before it do not tell."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Sign(torch.autograd.Function):
    """-1 or +1, 0 counting as +1 (torch's own sign has a third symbol there); backward as the identity where |x| <= 1, else 0."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        return gradients[0] * (x.abs() <= 1)


def mlp(dim: int, hidden: int, out: int) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear."""
    return nn.Sequential(nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out))


class BinaryHead(nn.Module):
    """Unit vectors to stacked bits, float [b, dim] -> float [b, bits].

        b_0 = sign(W(f));   for i = 1 .. loops:   b_i = b_{i-1} + 2^-i sign(R_i(f - unit(B_i(b_{i-1}))))

    W, R_i: dim -> hidden -> bits, B_i: bits -> hidden -> dim, each an `mlp` of its own. No loops: a one-shot hash.
    Source: Gan et al., "Binary Embedding-based Retrieval at Tencent", KDD 2023, section 3.1.
    """

    def __init__(self, dim: int, bits: int, loops: int, hidden: int) -> None:
        super().__init__()
        self.first = mlp(dim, hidden, bits)
        self.back = nn.ModuleList(mlp(bits, hidden, dim) for _ in range(loops))
        self.rest = nn.ModuleList(mlp(dim, hidden, bits) for _ in range(loops))

    def forward(self, vectors: Float[Tensor, "b dim"]) -> Float[Tensor, "b bits"]:
        code = Sign.apply(self.first(vectors))
        for loop, (back, rest) in enumerate(zip(self.back, self.rest), start=1):
            told = F.normalize(back(code), dim=1)
            code = code + 2.0**-loop * Sign.apply(rest(vectors - told))
        return code
