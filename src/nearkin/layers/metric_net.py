"""Films and customers in one ball, near where one buys the other; the distance and what is known of the customer give the chance."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


def in_ball(rows: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
    """Rows longer than 1 brought to length 1."""
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1)


class MetricNet(nn.Module):
    """u = ball(MLP(mean of contents and of places over the history, facts)), v = ball(MLP(content)); logit = b - w |u - v|^2 + g . facts.

    items: known items, each with a free vector (its place) that only histories read; `project` brings those back into the unit ball
    after a step. dims: numbers of a content, facts: numbers known of a customer (frequency, recency, ...). `inner`: u . v in place of
    the distance, for comparison. Cost of b customers and n items: the MLPs and b * n * dim.
    """

    def __init__(self, items: int, dims: int, facts: int, *, dim: int, hidden: int, dropout: float, inner: bool = False) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(items, dim) * 0.1)
        self.of_items = nn.Sequential(nn.Dropout(dropout), nn.Linear(dims, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, dim))
        self.of_histories = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(dims + dim + facts, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, dim)
        )
        self.facts = nn.Linear(facts, 1)  # its bias is b
        self.slope = nn.Parameter(torch.tensor(2.0))
        self.inner = inner

    def items(self, contents: Float[Tensor, "n c"]) -> Float[Tensor, "n d"]:
        """Where items stand."""
        return in_ball(self.of_items(contents))

    def customers(
        self,
        rows: Int[Tensor, " m"],
        owners: Int[Tensor, " m"],
        contents: Float[Tensor, "items c"],
        facts: Float[Tensor, "b f"],
    ) -> Float[Tensor, "b d"]:
        """Where customers stand; rows: the known items of their histories, owners: whose each is."""
        each = torch.cat([contents, self.places], 1)[rows]
        total = each.new_zeros(len(facts), each.shape[1]).index_add(0, owners, each)
        counts = torch.bincount(owners, minlength=len(facts)).clamp_min(1)
        return in_ball(self.of_histories(torch.cat([total / counts[:, None], facts], 1)))

    def distances(self, customers: Float[Tensor, "b d"], items: Float[Tensor, "n d"]) -> Float[Tensor, "b n"]:
        """|u - v|^2, or -2 u . v where `inner`."""
        products = -2 * customers @ items.T
        if self.inner:
            return products
        return (products + customers.square().sum(1)[:, None] + items.square().sum(1)).clamp_min(0)

    def logits(self, distances: Float[Tensor, "b n"], facts: Float[Tensor, "b f"]) -> Float[Tensor, "b n"]:
        return self.facts(facts) - F.softplus(self.slope) * distances

    @torch.no_grad()
    def project(self) -> None:
        """The places back into the unit ball."""
        self.places.copy_(in_ball(self.places))
