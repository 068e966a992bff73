"""Bags of vectors as one vector each, so that an inner product stands for Chamfer: fixed dimensional encodings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.fde import MOST_PLANES, encode
from nearkin.kernels.tiles import bits_of, padded
from nearkin.stage import Projection, Stage, fitted, learned
from nearkin.tables import RaggedVectors, Vectors

MOST_DIM = 1 << 18  # numbers an encoding, 1 MiB; beyond it memory runs out before quality grows


@dataclass(kw_only=True)
class Fde(Projection):
    """Fixed dimensional encodings of MUVERA: <asking()(Q), fde(P)> / repetitions stands for sum over q of max over p of <q, p>.

    RaggedVectors[n, d] -> Vectors[n, dim], float32; dim = repetitions * 2^k_sim * d_proj, or `final`. A repetition draws k_sim planes,
    whose signs put every vector in one of 2^k_sim cells; a cell of a document is the mean of its vectors, or, where it has none, the
    vector whose signs differ least from the cell's (the first of several); a cell of a query is the sum of its vectors, and never filled.
    Cells are projected to d_proj numbers and put side by side; with `final` the whole is folded by a count-sketch.
    `fit` looks at the vectors' dim only. Queries must go through `asking()` of the same object: with other draws products mean nothing.
    Do not scale the encodings to length 1; their lengths are part of the estimate. A thing without vectors is encoded as zeros.
    Cost a document of t tokens, in multiplications: repetitions * d * (t * k_sim + 2^k_sim * d_proj) at most; memory that of the result.
    Refused: k_sim outside 0..12, d_proj above d, repetitions below 1, more than 2^18 numbers before the sketch (`BadInput`); another d.
    Source: Dhulipala et al., NeurIPS 2024 (MUVERA). The inner projection "dense" is the paper's, +-1 / sqrt(d_proj); "sparse" that of
    its public code, one +-1 for each of the d numbers. Draws are seeded by (seed, repetition), so that two seeds share none.
    """

    repetitions: int = 20
    k_sim: int = 5
    d_proj: int | None = 16  # None: d, without projecting
    inner: Literal["dense", "sparse"] = "dense"
    final: int | None = None
    seed: int = 0
    planes_: np.ndarray | None = learned()  # float32 [repetitions * k_sim, d], rows up to a multiple of four
    maps_: np.ndarray | None = learned()  # float32 [repetitions, d_proj, d], likewise; [repetitions, 0, d]: the identity
    slots_: np.ndarray | None = learned()  # int64 [numbers before the sketch], or [0]
    signs_: np.ndarray | None = learned()  # float32, likewise

    takes = RaggedVectors

    def __post_init__(self) -> None:
        if not 0 <= self.k_sim <= MOST_PLANES or self.repetitions < 1 or (self.d_proj is not None and self.d_proj < 1):
            got = f"k_sim {self.k_sim}, repetitions {self.repetitions}, d_proj {self.d_proj}"
            raise BadInput(f"expected k_sim in 0..{MOST_PLANES}, repetitions >= 1 and d_proj >= 1 (or None); got {got}")
        if self.inner not in ("dense", "sparse") or (self.final is not None and self.final < 1):
            raise BadInput(f"expected inner dense or sparse and final >= 1 (or None); got {self.inner!r} and {self.final}")

    def fit(self, tokens: RaggedVectors) -> Self:
        if not isinstance(tokens, RaggedVectors):
            raise ShapeError(f"Fde works on RaggedVectors, got {type(tokens).__name__}; use an encoder that gives a vector a token")
        width = tokens.dim if self.d_proj is None else self.d_proj
        wide = self.repetitions * width << self.k_sim
        if width > tokens.dim or wide > MOST_DIM:
            raise BadInput(
                f"d_proj {width} must not exceed the dim {tokens.dim}, nor the encoding's {wide} numbers {MOST_DIM}; choose fewer"
            )
        draws = [np.random.default_rng((self.seed, repetition)) for repetition in range(self.repetitions)]
        self.planes_ = padded(np.concatenate([draw.normal(size=(self.k_sim, tokens.dim)) for draw in draws]))
        self.maps_ = np.stack([padded(self._map(draw, tokens.dim, width)) for draw in draws])
        last = np.random.default_rng((self.seed, self.repetitions))
        self.slots_ = last.integers(0, self.final or 1, wide if self.final else 0)
        self.signs_ = (2 * last.integers(0, 2, len(self.slots_)) - 1).astype(np.float32)
        return self

    def __call__(self, tokens: RaggedVectors) -> Vectors:
        return self._encoded(tokens, document=True)

    def asking(self) -> Stage:
        return _OfQueries(fde=fitted(self))

    @property
    def dim(self) -> int:
        """Numbers an encoding."""
        width = fitted(self).planes_.shape[1] if self.d_proj is None else self.d_proj  # type: ignore[union-attr]
        return self.final or self.repetitions * width << self.k_sim

    def _map(self, draw: np.random.Generator, d: int, width: int) -> np.ndarray:
        """The projection of a repetition, [width, d]; no rows where it is the identity."""
        if width == d:
            return np.zeros((0, d), np.float32)
        if self.inner == "dense":
            return (2 * draw.integers(0, 2, (width, d)) - 1) / np.sqrt(width)
        drawn = np.zeros((width, d), np.float32)
        drawn[draw.integers(0, width, d), np.arange(d)] = 2 * draw.integers(0, 2, d) - 1
        return drawn

    def _encoded(self, tokens: RaggedVectors, *, document: bool) -> Vectors:
        held: Any = fitted(self)
        if not isinstance(tokens, RaggedVectors) or tokens.dim != held.planes_.shape[1]:
            raise ShapeError(
                f"Fde was fitted for RaggedVectors of dim {held.planes_.shape[1]}, got {tokens!r}; use one encoder for both sides"
            )
        found = np.empty((len(tokens), self.dim), np.float32)
        width = tokens.dim if self.d_proj is None else self.d_proj
        sketch = (np.asarray(held.slots_), np.asarray(held.signs_))
        planes, maps = np.asarray(held.planes_), np.asarray(held.maps_)
        encode(bits_of(tokens.rows), tokens.offsets, planes, self.k_sim, maps, width, sketch, document, found)
        return Vectors(found, tokens.things)


@dataclass(frozen=True, kw_only=True, eq=False)
class _OfQueries(Stage):
    """The side of queries: sums instead of means, empty cells left empty, drawn as the documents' side was."""

    fde: Fde

    takes = RaggedVectors
    gives = Vectors

    def __call__(self, tokens: RaggedVectors) -> Vectors:
        return self.fde._encoded(tokens, document=False)
