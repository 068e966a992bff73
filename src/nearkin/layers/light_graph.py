"""Who had what as a graph that vectors walk along: the light graph convolution."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


class LightGraph(nn.Module):
    """One step along a graph of left and right things: float [left + right, d] -> the same shape, no weights.

    out_l = sum over the right things r of l of in_r / sqrt(degree_l * degree_r), and the other way round; a pair that stands twice counts
    once, and a thing without pairs gets 0. Left things come first. The matrix is symmetric, so the gradient takes the same step back.
    Cost: 2 * pairs * d multiplications, forward and backward each. Source: He et al., SIGIR 2020 (LightGCN).
    """

    starts: Tensor
    columns: Tensor
    values: Tensor
    pair: Tensor

    def __init__(self, starts: Tensor, columns: Tensor, values: Tensor, pair: Tensor) -> None:
        super().__init__()
        for name, each in (("starts", starts), ("columns", columns), ("values", values), ("pair", pair)):
            self.register_buffer(name, each, persistent=False)

    @classmethod
    def of(cls, left_rows: np.ndarray, right_rows: np.ndarray, left: int, right: int) -> Self:
        """From pairs of rows, and how many things there are on each side."""
        keys = np.unique(left_rows.astype(np.int64) * right + right_rows)
        one, other = keys // right, keys % right
        values = (np.bincount(one, minlength=left)[one] * np.bincount(other, minlength=right)[other]) ** -0.5
        tails, heads = np.concatenate([one, other + left]), np.concatenate([other + left, one])
        order = np.lexsort((heads, tails))
        starts = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=left + right))])
        sides = (starts.astype(np.int32), heads[order].astype(np.int32), np.tile(values, 2)[order].astype(np.float32))
        return cls(*(torch.from_numpy(each) for each in (*sides, np.tile(np.arange(len(keys)), 2)[order])))

    def forward(self, rows: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        found: Tensor = _Step.apply(rows, self.starts, self.columns, self.values)  # type: ignore[no-untyped-call]
        return found

    def thinned(self, kept: float) -> LightGraph:
        """The graph with each pair kept by this chance (drawn by torch), the others out of both directions; values grow by 1 / kept."""
        stays = torch.rand(len(self.pair) // 2, device=self.values.device) < kept
        return LightGraph(self.starts, self.columns, self.values * (stays[self.pair] / kept), self.pair)


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, starts: Tensor, columns: Tensor, values: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(starts, columns, values)
        return _product(starts, columns, values, rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        return _product(*ctx.saved_tensors, gradient), None, None, None


def _product(starts: Tensor, columns: Tensor, values: Tensor, rows: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its compressed rows a beta at every first use
        size = (len(starts) - 1, len(starts) - 1)
        matrix = torch.sparse_csr_tensor(starts, columns, values.to(rows.dtype), size=size, check_invariants=False)
        return matrix @ rows.contiguous()


class LightConvolution(nn.Module):
    """Free vectors of all things and the mean of what they are after 0 to `layers` steps: -> float [m, d].

    start: float [m, d], where the free vectors begin; graph: over the same m things. With `rows`, those are walked with instead.
    `noise`: after each step a random direction of this length, with the signs of the vector, is added (the views of SimGCL).
    """

    def __init__(self, start: Float[Tensor, "m d"], graph: LightGraph, layers: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(start.detach().clone().float())
        self.graph, self.layers = graph, layers

    def forward(
        self, rows: Float[Tensor, "m d"] | None = None, *, graph: LightGraph | None = None, noise: float = 0.0
    ) -> Float[Tensor, "m d"]:
        return torch.stack(self.steps(rows, graph=graph, noise=noise)).mean(0)

    def steps(self, rows: Tensor | None = None, *, graph: LightGraph | None = None, noise: float = 0.0) -> list[Tensor]:
        """The vectors after each number of steps: `layers` + 1 times float [m, d]."""
        held = [self.rows if rows is None else rows]
        for _ in range(self.layers):
            after = (graph or self.graph)(held[-1])
            if noise:
                after = after + noise * after.sign() * nn.functional.normalize(torch.rand_like(after), dim=1)
            held.append(after)
        return held
