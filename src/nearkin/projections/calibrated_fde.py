"""Fixed dimensional encodings that say by how much they fall short, document by document."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.kernels.chamfer import chamfer
from nearkin.kernels.tiles import bits_of, padded
from nearkin.projections.fde import Fde
from nearkin.stage import Projection, Stage, fitted, learned
from nearkin.tables import RaggedVectors, Vectors


@dataclass(kw_only=True)
class CalibratedFde(Projection):
    """`Fde` with one number more, by which products with documents of all lengths stand for Chamfer alike.

    RaggedVectors[n, d] -> Vectors[n, dim], float32; dim is that of `encoding` and 1. A cell of a document is the mean of its vectors, so
    the product falls short of Chamfer, the more the more vectors share a cell: long documents come out worse than short ones. `fit`
    draws `probes` vectors x from the documents; what a document P lacks for one of them, in the mean, is
        lack(P) = mean over x of (max over p of <x, p> - <asking({x}), fde(P)> / repetitions)
    The number is repetitions * lack(P) for a document and the count of its vectors for a query, so that the inner product, over the
    repetitions, still stands for Chamfer, and over the probes is right in the mean for every document.
    Cost beside the encoding: probes * t * d multiplications a document of t vectors. A document without vectors is encoded as zeros.
    Refused: probes below 1 (`BadInput`), and what `Fde` refuses. With another order of documents other probes are drawn.
    Source: our own addition to MUVERA (Dhulipala et al., NeurIPS 2024), whose encodings are `Fde`.
    """

    encoding: Fde = field(default_factory=Fde)
    probes: int = 256
    seed: int = 0
    encoding_: Fde | None = learned()
    probes_: np.ndarray | None = learned()  # float32 [at most probes, d]
    asked_: np.ndarray | None = learned()  # float32 [dim of the encoding]: the mean of the probes' encodings as queries

    takes = RaggedVectors

    def __post_init__(self) -> None:
        if self.probes < 1:
            raise BadInput(f"expected probes >= 1, got {self.probes}")

    def fit(self, tokens: RaggedVectors) -> Self:
        encoding: Any = copy(self.encoding).fit(tokens)
        drawn = np.random.default_rng(self.seed).permutation(len(tokens.rows))[: self.probes]
        self.encoding_, self.probes_ = encoding, np.asarray(tokens.rows[np.sort(drawn)], np.float32)
        alone = RaggedVectors(self.probes_, np.arange(len(drawn) + 1))
        self.asked_ = encoding.asking()(alone).rows.sum(0) / np.float32(max(len(drawn), 1))
        return self

    def __call__(self, tokens: RaggedVectors) -> Vectors:
        held: Any = fitted(self)
        rows = held.encoding_(tokens).rows
        lack = self.encoding.repetitions * _mean_best(np.asarray(held.probes_), tokens) - rows @ held.asked_
        lack[np.diff(tokens.offsets) == 0] = 0
        return Vectors(np.concatenate([rows, lack[:, None].astype(np.float32)], axis=1), tokens.things)

    def asking(self) -> Stage:
        return _OfQueries(fde=fitted(self).encoding_)  # type: ignore[arg-type]

    @property
    def dim(self) -> int:
        """Numbers an encoding."""
        return fitted(self).encoding_.dim + 1  # type: ignore[union-attr]


def _mean_best(probes: np.ndarray, tokens: RaggedVectors) -> np.ndarray:
    """The largest product of each probe with a vector of the thing, in the mean over probes: float32 [n]."""
    found = np.zeros(len(tokens), np.float32)
    if len(probes):
        chamfer(padded(probes), len(probes), bits_of(tokens.rows), tokens.offsets, np.arange(len(tokens)), found)
        found /= len(probes)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _OfQueries(Stage):
    """The side of queries: the encoding, then how many vectors there are."""

    fde: Fde

    takes = RaggedVectors
    gives = Vectors

    def __call__(self, tokens: RaggedVectors) -> Vectors:
        rows = self.fde.asking()(tokens).rows
        return Vectors(np.concatenate([rows, np.diff(tokens.offsets)[:, None].astype(np.float32)], axis=1), tokens.things)
