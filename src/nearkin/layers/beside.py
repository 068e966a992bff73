"""What may stand beside the ranking loss of a graph model: terms that see the same vectors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from nearkin.layers.light_graph import LightConvolution
from nearkin.losses.info_nce import info_nce


class Triples(NamedTuple):
    """People, what each had, and what each did not have: int64 [b], [b], [b, s]; rows of the graph, so items follow people."""

    people: Tensor
    had: Tensor
    not_had: Tensor


class Beside(nn.Module):
    """A term of the loss with parameters of its own: `before` may change the free vectors that walk, `term` adds to the loss."""

    def before(self, rows: Tensor) -> Tensor:
        """The free vectors of all things as they shall walk: float [m, d] -> float [m, d]."""
        return rows

    def term(self, net: LightConvolution, found: Tensor, batch: Triples) -> Tensor:
        """What to add to the loss; found: float [m, d], all vectors after the walk."""
        raise NotImplementedError


class NoisyViews(Beside):
    """Two walks with different noise should agree on who is who, among the people and among the items of a batch.

    term = weight * (InfoNCE over people + InfoNCE over items). Cost: two more walks.
    Source: Yu et al., SIGIR 2022 (SimGCL); ours: the walk of no steps stays in the mean.
    """

    def __init__(self, weight: float = 0.1, *, noise: float = 0.1, temperature: float = 0.2) -> None:
        super().__init__()
        self.weight, self.noise, self.temperature = weight, noise, temperature

    def term(self, net: LightConvolution, found: Tensor, batch: Triples) -> Tensor:
        one, other = (net(noise=self.noise) for _ in range(2))
        sides = [torch.unique(batch.people), torch.unique(batch.had)]
        return self.weight * sum(
            info_nce(*(each.index_select(0, rows) for each in (one, other)), temperature=self.temperature) for rows in sides
        )
