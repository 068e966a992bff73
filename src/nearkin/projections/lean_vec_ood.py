"""Two projections, one for queries and one for items, that keep inner products when queries do not look like items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.projections.linear import Linear, check_dim, multiplied
from nearkin.projections.moments import Moments
from nearkin.projections.ood_solvers import Pair, eigen_search, frank_wolfe, loss, sphering
from nearkin.stage import Projection, fitted, learned
from nearkin.tables import Vectors

PRIORS = (0.0, 0.03, 0.3, 3.0)  # times d; the best of them differ by how many queries there are and how unlike the items
SOLVERS = ("frank-wolfe", "eigen-search", "sphering")


@dataclass(kw_only=True)
class LeanVecOod(Projection):
    """LeanVec-OOD: items by B, queries by A (see `asking`), with the least mean of (<A q, B x> - <q, x>)^2 over queries and items.

    Vectors[n, d] -> Vectors[n, dim], float32; linear. Solvers: "frank-wolfe" (A and B in turn, started by the eigenvector search)
    and "eigen-search" (A = B, one scalar to find), both of the paper; "sphering", of its successor: the closed form, least in loss.
    So that a small sample of queries is not believed too much, prior_ * d queries that look like items are counted in; prior_ is the one of
    0, 0.03, 0.3 and 3 by which each half of the sample does best for the other half, so few queries give about what `LeanVec` gives.
    Only second moments are needed, so sets of any size are read once.
    Cost: n * d^2 + m * d^2 to read, then seconds at most for d below 1,000. The sample should hold d queries or more; thousands are better.
    Refused: an empty sample of queries (take `LeanVec`), queries of another dim, dim outside 1..d, an unknown solver.
    Source: Tepper, Bhati, Aguerrebere, Hildebrand and Willke, "LeanVec: searching vectors faster by making them fit", 2024, without prior.
    """

    dim: int = 128
    solver: Literal["frank-wolfe", "eigen-search", "sphering"] = "frank-wolfe"
    matrix_: np.ndarray | None = learned()  # B, float32 [dim, d]
    asking_: np.ndarray | None = learned()  # A, float32 [dim, d]
    prior_: float | None = learned()
    loss_: float | None = learned()  # mean squared error of the inner products of the sample

    def fit(self, items: Vectors, queries: Vectors) -> Self:
        if not len(queries):
            raise BadInput("LeanVecOod learns from a sample of queries, and got none; give some (d or more), or use LeanVec")
        halves = [queries.take(np.arange(start, max(len(queries), 2), 2) % len(queries)) for start in (0, 1)]
        return self.fit_moments(Moments.of(items), Moments.of(halves[0]), Moments.of(halves[1]))

    def fit_moments(self, items: Moments, first: Moments, second: Moments) -> Self:
        """Learn from moments gathered before, by parts: those of the items, and of two halves of the queries."""
        check_dim(self, self.dim, items.dim)
        if self.solver not in SOLVERS:
            raise BadInput(f"expected a solver of {SOLVERS}, got {self.solver!r}")
        self.prior_ = chosen_prior(items, first, second, self.dim)
        asked = with_prior(items, first.joined(second), self.prior_)
        asking, holding = self._solved(asked, items.second)
        self.asking_, self.matrix_ = asking.astype(np.float32), holding.astype(np.float32)
        self.loss_ = loss((asking, holding), asked, items.second)
        return self

    def _solved(self, asked: np.ndarray, held: np.ndarray) -> Pair:
        if self.solver == "sphering":
            return sphering(asked, held, self.dim)
        start = eigen_search(asked, held, self.dim)
        return start if self.solver == "eigen-search" else frank_wolfe(asked, held, start)

    def __call__(self, vectors: Vectors) -> Vectors:
        return multiplied(self, vectors, fitted(self).matrix_)

    def asking(self) -> Linear:
        return Linear(matrix=fitted(self).asking_)


def chosen_prior(items: Moments, first: Moments, second: Moments, dim: int) -> float:
    """The prior with which each half of the queries, solved in closed form, has the least loss on the other half; of equals the largest."""
    held = items.second

    def error(prior: float) -> float:
        pairs = ((first, second), (second, first))
        return sum(loss(sphering(with_prior(items, learn, prior), held, dim), test.second, held) for learn, test in pairs)

    return min(sorted(PRIORS, reverse=True), key=error)


def with_prior(items: Moments, queries: Moments, prior: float) -> np.ndarray:
    """The second moment of the queries and of prior * d more that look like items, with a trace of the identity for full rank."""
    if items.dim != queries.dim:
        raise BadInput(f"items have dim {items.dim}, queries {queries.dim}; inner products need one dim")
    asked, held = queries.second, items.second
    size, weight = np.trace(asked), prior * items.dim
    if not size or not np.trace(held):
        raise BadInput("all items or all queries are zero, so there are no inner products to keep; check the encoder")
    mixed = (queries.count * asked + weight * size / np.trace(held) * held) / (queries.count + weight)
    return mixed + 1e-6 * size / items.dim * np.eye(items.dim)
