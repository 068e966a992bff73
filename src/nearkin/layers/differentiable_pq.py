"""Product quantisation that a loss can train through."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DifferentiablePq(nn.Module):
    """Vectors to their nearest centres part by part: forward the hard choice, backward the gradient of a soft one.

    `forward`: float [b, d] -> (turned, quantised), both float [b, d]. turned = rotation x, cut into levels parts z_m;
    p_mk = softmax_k(-|z_m - c_mk|^2 / temperature); the choice is onehot(argmin_k |z_m - c_mk|^2) + p - stopgradient(p), and quantised is
    the choice times the centres. So <turned query, quantised item> is what an index will score, and centres and encoder both get gradients.
    centres: float [levels, codebook_size, d / levels], trained; rotation: float [d, d] or None, fixed. A high temperature lets distant
    centres feel a row; centres that no row chooses are put to use again by `reseed`. Cost: d * codebook_size a row, and d * d for the turn.
    Source: the contrastive quantisation of BiDR (WWW 2022), which has no temperature and lets unused centres be.
    """

    rotation: Tensor | None

    def __init__(self, centres: Tensor, rotation: Tensor | None = None, *, temperature: float = 1.0) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres.detach().clone().float())
        self.register_buffer("rotation", None if rotation is None else rotation.detach().clone().float())
        self.temperature = temperature

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        parts = self.turned(rows).unflatten(1, (len(self.centres), -1))
        distances = _distances(parts, self.centres)
        soft = F.softmax(-distances / self.temperature, dim=-1)
        hard = F.one_hot(self.symbols(rows), distances.shape[-1])
        choice = hard + soft - soft.detach()
        return parts.flatten(1), torch.einsum("blk,lkm->blm", choice, self.centres).flatten(1)

    def turned(self, rows: Tensor) -> Tensor:
        """Rows after the rotation: what a query is compared by, without being quantised."""
        return rows if self.rotation is None else rows @ self.rotation.T

    @torch.no_grad()
    def symbols(self, rows: Tensor) -> Tensor:
        """The nearest centre of each part, the lowest of equals: int64 [b, levels]. In float64, as the codec chooses."""
        wide = rows.double() if self.rotation is None else rows.double() @ self.rotation.double().T
        return _distances(wide.unflatten(1, (len(self.centres), -1)), self.centres.double()).argmin(-1)

    @torch.no_grad()
    def reseed(self, rows: Tensor) -> int:
        """Move each centre that none of these rows chooses onto the part worst served so far; gives how many moved."""
        parts, symbols, moved = self.turned(rows).unflatten(1, (len(self.centres), -1)), self.symbols(rows), 0
        for level, centres in enumerate(self.centres):
            unused = (torch.bincount(symbols[:, level], minlength=len(centres)) == 0).nonzero()[: len(rows), 0]
            far = (parts[:, level] - centres[symbols[:, level]]).square().sum(1)
            centres[unused] = parts[far.topk(len(unused)).indices, level]
            moved += len(unused)
        return moved


def _distances(parts: Tensor, centres: Tensor) -> Tensor:
    """Squared distances [b, levels, codebook_size] less the length of the part, which no choice depends on."""
    products = torch.einsum("blm,lkm->blk", parts, centres)
    return centres.square().sum(-1) - 2 * products
