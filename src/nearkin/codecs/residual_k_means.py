"""Vectors to a few symbols from coarse to fine: each level names the nearest centre of what the levels before left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.codecs.sub_codebooks import BLOCK, check_rows
from nearkin.errors import BadInput, ShapeError
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Codes, Vectors


@dataclass(kw_only=True)
class ResidualKMeans(Codec):
    """Residual quantisation: k-means of the vectors, then of what each vector's centre leaves over, level after level.

    Vectors[n, d] -> Codes[n, levels], symbols below codebook_size; decoding adds the chosen centres up. Things that share their first
    symbols are alike, and the more the longer the prefix, so a code reads like a path in a tree. Greedy: the nearest centre of each
    level, the lowest of equals, chosen in float64. Centres start by k-means++ draws from `seed`; one left without rows stays where it is.
    Cost: fit levels * rounds * n * codebook_size * d, coding the same for one round.
    Refused: no level, fewer rows than centres, vectors of another dim than at fit.
    Source: Juang and Gray, "Multiple stage vector quantization for speech coding", ICASSP 1982.
    """

    levels: int = 4
    codebook_size: int = 64
    rounds: int = 15
    seed: int = 0
    centres_: np.ndarray | None = learned()  # float32 [levels, codebook_size, d]

    def fit(self, vectors: Vectors) -> Self:
        if self.levels < 1 or self.codebook_size < 1:
            raise BadInput(f"a code has a level and a symbol at least; got {self.levels} levels of {self.codebook_size} symbols")
        check_rows(len(vectors), self.codebook_size)
        random, rest = np.random.default_rng(self.seed), vectors.rows.astype(np.float64)
        found = []
        for _ in range(self.levels):
            centres = _clustered(rest, self.codebook_size, self.rounds, random)
            found.append(centres)
            rest = rest - centres[_nearest(rest, centres)]
        self.centres_ = np.stack(found).astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        centres = fitted(self).centres_.astype(np.float64)
        if vectors.dim != centres.shape[2]:
            raise ShapeError(f"ResidualKMeans was fitted on dim {centres.shape[2]}, got {vectors.dim}; use one encoder for both")
        symbols = np.empty((len(vectors), len(centres)), np.int32)
        for start in range(0, len(vectors), BLOCK):
            rest = vectors.rows[start : start + BLOCK].astype(np.float64)
            for level, centre in enumerate(centres):
                symbols[start : start + BLOCK, level] = own = _nearest(rest, centre)
                rest = rest - centre[own]
        return Codes(symbols, [centres.shape[1]] * len(centres), vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        centres = fitted(self).centres_
        return Vectors(centres[np.arange(len(centres)), codes.symbols].sum(1), codes.things)


def _clustered(rows: np.ndarray, count: int, rounds: int, random: np.random.Generator) -> np.ndarray:
    """Lloyd's rounds: float64 [count, d]."""
    centres = _started(rows, count, random)
    for _ in range(rounds):
        own = _nearest(rows, centres)
        sizes = np.bincount(own, minlength=count)
        filled = np.flatnonzero(sizes)
        belongs = np.zeros((count, len(rows)))
        belongs[own, np.arange(len(rows))] = 1  # a product is faster than sums group by group
        moved = centres.copy()
        moved[filled] = (belongs @ rows)[filled] / sizes[filled, None]
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def _started(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """k-means++: each next centre a row drawn by its squared distance to those before; any row where all distances are 0."""
    chosen = [int(random.integers(len(rows)))]
    far = ((rows - rows[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        total = far.sum()
        chosen.append(int(random.choice(len(rows), p=far / total if total > 0 else None)))
        far = np.minimum(far, ((rows - rows[chosen[-1]]) ** 2).sum(1))
    return rows[chosen]


def _nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    own: np.ndarray = ((centres**2).sum(1) - 2 * (rows @ centres.T)).argmin(1)
    return own
