"""Vectors to a few bits a dimension by the signs of what earlier bits left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.fingerprint import fingerprint
from nearkin.stage import BitCodec, fitted, learned
from nearkin.tables import Codes, Vectors


@dataclass(kw_only=True)
class ResidualSigns(BitCodec):
    """Some bits a dimension: in each round, the sign of what the earlier rounds left over.

    Vectors[n, d] -> Codes[n, rounds * d], symbols 0 or 1, round after round. Round r subtracts step_r * sign(rest), sign(0) being
    +1 and step_r the mean of |rest| over the sample given to fit, so on that sample the squared error never grows from one round
    to the next. decode: the sum of the steps with their signs. An index of bits halves the weight from round to round instead of
    reading the steps. Cost: n * d * rounds. Refused: no rounds, no rows, another dim than at fit.
    Source: the linear core of the recurrent binarisation of BEBR (paper 39), without its learned layers.
    """

    rounds: int = 2
    steps_: np.ndarray | None = learned()  # float32 [rounds]
    dim_: int | None = learned()
    version_: str | None = learned()

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise BadInput(f"expected a round at least, got rounds={self.rounds}")

    @property
    def planes(self) -> int:  # type: ignore[override]
        return self.rounds

    def fit(self, vectors: Vectors) -> Self:
        if not len(vectors):
            raise BadInput("the steps are means over rows, and there are none; give fit a sample of the items")
        rest, steps = vectors.rows.astype(np.float32), []
        for _ in range(self.rounds):
            steps.append(np.abs(rest).mean(dtype=np.float64).astype(np.float32))
            rest -= steps[-1] * _signs(rest)
        self.steps_, self.dim_ = np.array(steps, np.float32), vectors.dim
        self.version_ = fingerprint(self.steps_, np.array([vectors.dim]))
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        steps, dim = fitted(self).steps_, self.dim_
        if vectors.dim != dim:
            raise ShapeError(f"ResidualSigns was fitted to dim {dim}, got {vectors.dim}; use one encoder for both")
        rest, symbols = vectors.rows.astype(np.float32), np.empty((len(vectors), self.rounds, dim), np.uint8)
        for place, step in enumerate(steps):
            symbols[:, place] = rest >= 0
            rest -= step * _signs(rest)
        return Codes(symbols.reshape(len(vectors), self.rounds * dim), [2] * (self.rounds * dim), vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        steps = fitted(self).steps_
        signs = codes.symbols.reshape(len(codes), self.rounds, self.dim_).astype(np.float32) * 2 - 1
        return Vectors(np.einsum("nrd,r->nd", signs, steps), codes.things)


def _signs(rows: np.ndarray) -> np.ndarray:
    """-1 or +1, never 0."""
    return np.where(rows >= 0, np.float32(1), np.float32(-1))
