"""Items as rows that are read and scored with: learned for each item, made from what the item is, or both."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class ItemTable(nn.Module):
    """All items' vectors, float [n, d]: row_i + content_i W; the same ones are read as inputs and scored against (tied).

    start: float [n, d], the vectors at first. content: float [n, a] or None, fixed; W: [a, d] begins as what best tells the start from
    content (ridge regression) and the rows as what it leaves, so that something known by its content alone begins among its like.
    Cost: n * a * d multiplications a call.
    """

    content: Tensor | None

    def __init__(self, start: Float[Tensor, "n d"], content: Float[Tensor, "n a"] | None = None) -> None:
        super().__init__()
        start = start.detach().clone().float()
        self.register_buffer("content", None if content is None else content.detach().clone().float(), persistent=False)
        self.of_content = None if content is None else nn.Linear(content.shape[1], start.shape[1], bias=False)
        if self.of_content is not None and self.content is not None:
            gram = self.content.T @ self.content
            weight = torch.linalg.solve(gram + torch.eye(len(gram)), self.content.T @ start)
            self.of_content.weight.data = weight.T.contiguous()
            start -= self.content @ weight
        self.rows = nn.Parameter(start)

    def forward(self) -> Float[Tensor, "n d"]:
        return self.rows if self.of_content is None else self.rows + self.of_content(self.content)


class _Unit(torch.autograd.Function):
    """Rows of length 1, zero rows staying zero; the gradient in three passes over the rows, where torch's own parts take ten."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        inverse = rows.norm(dim=1, keepdim=True).clamp_min(1e-12).reciprocal_()
        units = rows * inverse
        context.save_for_backward(units, inverse)
        return units

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        units, inverse = context.saved_tensors
        along = torch.einsum("nd,nd->n", gradients[0], units)[:, None]
        return torch.addcmul(gradients[0], units, along, value=-1).mul_(inverse)


def cosine_scores(states: Float[Tensor, "m d"], items: Float[Tensor, "n d"], scale: float) -> tuple[Tensor, Tensor]:
    """States and items whose inner products are scale * cosine: what a softmax over items takes."""
    return F.normalize(states, dim=1) * scale, _Unit.apply(items)
