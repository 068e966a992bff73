"""Texts beside a graph: the two ways in which RLMRec lets profiles teach vectors of people and items while they are learned."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nearkin.layers.beside import Beside, Triples
from nearkin.layers.light_graph import LightConvolution
from nearkin.losses.alignment import contrastive_alignment, generative_alignment


class ContrastWithTexts(Beside):
    """Vectors of a batch should be like their own profile, mapped to their space, among all of the same kind.

    texts: float [m, p], people first, one a node; rows of zeros (no profile) align with nothing. people: how many of them are people.
    term = weight * (of the people, among all people + of what they had + of what they had not, each among its own batch)
    Of each kind at most `most` things, drawn anew, take part in a batch. The map is p -> (p + dim) / 2 -> LeakyReLU -> dim.
    Cost: most * (most * dim + p * (p + dim) / 2). Source: RLMRec-Con, whose sums run over all people; ours: each thing once a batch.
    """

    texts: Tensor

    def __init__(
        self, texts: Float[Tensor, "m p"], people: int, dim: int, *, weight: float = 0.1, temperature: float = 0.2, most: int = 768
    ) -> None:
        super().__init__()
        self.register_buffer("texts", texts.float(), persistent=False)
        self.people, self.weight, self.temperature, self.most = people, weight, temperature, most
        self.map = between(texts.shape[1], dim)

    def term(self, net: LightConvolution, found: Tensor, batch: Triples) -> Tensor:
        people = self._some(batch.people)
        others = torch.randperm(self.people, device=people.device)[: max(0, self.most - len(people))]
        among = torch.unique(torch.cat([people, others]))
        terms = [self._aligned(found, people, among)]
        for rows in (self._some(batch.had), self._some(batch.not_had)):
            terms.append(self._aligned(found, rows, rows))
        return self.weight * torch.stack(terms).sum()

    def _some(self, rows: Tensor) -> Tensor:
        """Each thing of a batch once, `most` of them at most, in order."""
        rows = torch.unique(rows)
        return rows[torch.randperm(len(rows), device=rows.device)[: self.most]].sort().values

    def _aligned(self, found: Tensor, rows: Tensor, among: Tensor) -> Tensor:
        """Rows, which are sorted and among `among`, which is sorted too, aligned with their texts; those without one are left out."""
        among = among[self.texts[among].any(1)]
        rows = rows[self.texts[rows].any(1)]
        if not len(rows):
            return found.sum() * 0
        own = torch.searchsorted(among, rows)
        return contrastive_alignment(found.index_select(0, rows), self.map(self.texts[among]), own, temperature=self.temperature)


class DecodedTexts(Beside):
    """Some nodes walk hidden, with a learned vector in place of their own; from what the graph makes of them their profile is decoded.

    term = weight * `generative_alignment` of the hidden nodes' decoded vectors with their profiles, among each other.
    The decoder is dim -> (p + dim) / 2 -> LeakyReLU -> p. Ranking sees the walk with hidden nodes too. Source: RLMRec-Gen.
    """

    texts: Tensor
    same: Tensor

    def __init__(
        self, texts: Float[Tensor, "m p"], dim: int, *, share: float = 0.1, weight: float = 0.1, temperature: float = 0.5, most: int = 768
    ) -> None:
        super().__init__()
        self.register_buffer("texts", texts.float(), persistent=False)
        self.register_buffer("same", torch.unique(texts, dim=0, return_inverse=True)[1], persistent=False)
        self.share, self.weight, self.temperature, self.most = share, weight, temperature, most
        self.hidden = nn.Parameter(torch.zeros(dim))
        self.map = between(dim, texts.shape[1])
        self.chosen = torch.zeros(0, dtype=torch.int64)

    def before(self, rows: Tensor) -> Tensor:
        self.chosen = torch.randperm(len(rows), device=rows.device)[: max(2, round(self.share * len(rows)))]
        mask = torch.zeros(len(rows), 1, dtype=torch.bool, device=rows.device)
        mask[self.chosen] = True
        return torch.where(mask, self.hidden, rows)

    def term(self, net: LightConvolution, found: Tensor, batch: Triples) -> Tensor:
        rows = self.chosen[self.texts[self.chosen].any(1)][: self.most]
        if not len(rows):
            return found.sum() * 0
        texts, same = self.texts[rows], self.same[rows]
        return self.weight * generative_alignment(self.map(found.index_select(0, rows)), texts, same, temperature=self.temperature)


def between(wide: int, narrow: int) -> nn.Sequential:
    """Two linear layers whose middle is halfway between both widths."""
    middle = (wide + narrow) // 2
    return nn.Sequential(nn.Linear(wide, middle), nn.LeakyReLU(), nn.Linear(middle, narrow))
