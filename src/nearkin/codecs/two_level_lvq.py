"""Vectors in two levels of small integers: the first to search by, both to rank by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from nearkin.codecs.lvq import BLOCK, FACTORS, Lvq, centred, first_level, mean_of, parts
from nearkin.errors import BadInput
from nearkin.kernels import lvq
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Codes, Vectors


@dataclass(kw_only=True)
class TwoLevelLvq(Codec):
    """LVQ whose rest is coded again: LVQ-4x8, or LVQ-4x4 with second=4.

    Vectors[n, d] -> Codes[n, 2 d + 8]: d symbols below 16, d below 2^second, then step and low as in `Lvq`. The rest of the first level
    lies within half a step, so the second level needs no factors of its own: it cuts that interval into 2^second - 1 equal cells (one less
    than fits, so that 0 is the middle of one), and no number decodes worse with it than without.
    `first` gives the codes of the first level alone, which `Lvq(bits=4)` (see `searching`) decodes and scores.
    Size: d * (4 + second) / 8 + 8 bytes a vector. Cost: n * d. Refused: other bits, another d, no vectors.
    Source: Aguerrebere et al., "Similarity search in the blink of an eye with compressed indices", 2023; the odd number of cells is ours.
    """

    second: Literal[4, 8] = 8
    mean_: np.ndarray | None = learned()  # float32 [d]

    def fit(self, vectors: Vectors) -> Self:
        if self.second not in (4, 8):
            raise BadInput(f"the second level has 4 or 8 bits a number, asked for {self.second}")
        self.mean_ = mean_of(vectors)
        return self

    @property
    def cells(self) -> int:
        """Symbols of the second level that are used."""
        return (1 << self.second) - 1

    def __call__(self, vectors: Vectors) -> Codes:
        mean = fitted(self).mean_
        symbols, factors = first_level(self, vectors, mean, 4)
        rest = np.empty_like(symbols)
        for start in range(0, len(vectors), BLOCK):
            part = slice(start, start + BLOCK)
            steps, lows = factors[part, 0], factors[part, 1]
            lvq.encode_rest(centred(vectors.rows[part], mean), symbols[part], steps, lows, self.cells, rest[part])
        sizes = [16] * vectors.dim + [self.cells] * vectors.dim + [256] * FACTORS
        return Codes(np.concatenate([symbols, rest, factors.view(np.uint8)], 1), sizes, vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        mean = fitted(self).mean_
        symbols, factors = parts(self, codes, 2 * len(mean))
        rest = (symbols[:, len(mean) :] - np.float32(self.cells // 2)) / np.float32(self.cells)
        return Vectors((symbols[:, : len(mean)] + rest) * factors[:, :1] + factors[:, 1:] + mean, codes.things)

    def first(self, codes: Codes) -> Codes:
        """The first level alone: codes of `searching`."""
        dim = len(fitted(self).mean_)
        kept = np.r_[:dim, 2 * dim : 2 * dim + FACTORS]
        return Codes(codes.symbols[:, kept], [codes.codebook_sizes[level] for level in kept], codes.things)

    def searching(self) -> Lvq:
        """The codec of the first level."""
        codec = Lvq(bits=4)
        codec.mean_ = fitted(self).mean_
        return codec
