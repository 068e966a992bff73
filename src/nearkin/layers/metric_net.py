"""Films and customers in one ball, near where one buys the other; the distance, and how much each takes and is taken, give the chance."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


def in_ball(rows: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
    """Rows longer than 1 brought to length 1."""
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1)


class MetricNet(nn.Module):
    """v = ball(x + MLP(x)), u = ball(gain (mean of v over the history - centre) + MLP(facts)); logit = own + w (r - |u - v|^2).

    x: contents, of length 1. Both MLPs give 0 at first, so that distances start as those of the contents and leave them as far as
    purchases ask for. own: float [items], the log odds of each known item, free: without it distances would have to say who is popular,
    and would say it wrongly of items and customers not learned from. facts: numbers known of a customer. `inner`: u . v in place of the
    distance and no ball, for comparison. Cost of b customers and n items: the MLPs and b * n * dims.
    """

    def __init__(self, own: Tensor, dims: int, facts: int, *, hidden: int, dropout: float, inner: bool = False) -> None:
        super().__init__()
        self.own = nn.Parameter(own.clone())
        self.of_items = _from_zero(dims, hidden, dims, dropout)
        self.of_facts = _from_zero(facts, hidden, dims, dropout)
        self.centre = nn.Parameter(torch.zeros(dims))
        self.gain = nn.Parameter(torch.tensor(1.0))
        self.radius = nn.Parameter(torch.tensor(2.0))  # r, the distance that says nothing
        self.slope = nn.Parameter(torch.tensor(3.0))  # where cosines of contents foretell films of a later year best
        self.inner = inner

    def items(self, contents: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Where items stand."""
        places = contents + self.of_items(contents)
        return places if self.inner else in_ball(places)

    def customers(
        self, rows: Int[Tensor, " m"], owners: Int[Tensor, " m"], items: Float[Tensor, "items d"], facts: Float[Tensor, "b f"]
    ) -> Float[Tensor, "b d"]:
        """Where customers stand; rows: the known items of their histories, owners: whose each is; items: where these stand."""
        counts = torch.bincount(owners, minlength=len(facts))[:, None]
        means = self._sums(rows, owners, items, len(facts)) / counts.clamp_min(1)
        places = self.gain * torch.where(counts > 0, means - self.centre, 0) + self.of_facts(facts)
        return places if self.inner else in_ball(places)

    @staticmethod
    def _sums(rows: Tensor, owners: Tensor, items: Tensor, people: int) -> Tensor:
        return items.new_zeros(people, items.shape[1]).index_add(0, owners, items[rows])

    @torch.no_grad()
    def start(self, rows: Int[Tensor, " m"], owners: Int[Tensor, " m"], contents: Float[Tensor, "items d"]) -> None:
        """The centre at the mean customer, the gain at which customers have a mean length of 1, the radius at the mean distance."""
        counts = torch.bincount(owners)[:, None]
        means = (self._sums(rows, owners, contents, len(counts)) / counts.clamp_min(1))[counts[:, 0] > 0]
        self.centre.copy_(means.mean(0))
        self.gain.fill_(1 / float((means - self.centre).norm(dim=1).mean().clamp_min(0.01)))
        customers = self.gain * (means - self.centre)
        self.radius.copy_(self.distances(customers if self.inner else in_ball(customers), self.items(contents)).mean())

    def distances(self, customers: Float[Tensor, "b d"], items: Float[Tensor, "n d"]) -> Float[Tensor, "b n"]:
        """|u - v|^2, or -2 u . v where `inner`."""
        products = -2 * customers @ items.T
        if self.inner:
            return products
        return (products + customers.square().sum(1)[:, None] + items.square().sum(1)).clamp_min(0)

    def nearness(self, distances: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        """w (r - distance)."""
        return F.softplus(self.slope) * (self.radius - distances)


def _from_zero(dims: int, hidden: int, out: int, dropout: float) -> nn.Sequential:
    """An MLP whose output is 0 until it has learned."""
    last = nn.Linear(hidden, out)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(dims, hidden), nn.ReLU(), nn.Dropout(dropout), last)
