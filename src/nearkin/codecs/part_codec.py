"""Codecs that cut a vector into parts and name each by its nearest centre, wherever the centres come from."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np

from nearkin.codecs import sub_codebooks
from nearkin.stage import Codec, fitted
from nearkin.tables import Codes, Vectors


class PartCodec(Codec):
    """What `fit` of a method finds: `centres_`, float32 [levels, codebook_size, d / levels], and `rotation_`, float32 [d, d] or None."""

    levels: int
    codebook_size: int
    centres_: np.ndarray | None
    rotation_: np.ndarray | None

    @abstractmethod
    def fit(self, vectors: Vectors) -> Self:
        """Find the centres, and the rotation where the method has one."""

    def __call__(self, vectors: Vectors) -> Codes:
        centres = fitted(self).centres_
        sub_codebooks.check_dim(self, vectors.rows, centres)  # type: ignore[arg-type]
        symbols = sub_codebooks.nearest(vectors.rows, self.rotation_, centres)  # type: ignore[arg-type]
        return Codes(symbols, [self.codebook_size] * self.levels, vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        return Vectors(sub_codebooks.decoded(codes.symbols, self.rotation_, fitted(self).centres_), codes.things)  # type: ignore[arg-type]

    def tables(self, queries: Vectors) -> np.ndarray:
        """What each symbol adds to the score of each query: float32 [q, levels, codebook_size]."""
        sub_codebooks.check_dim(self, queries.rows, fitted(self).centres_)  # type: ignore[arg-type]
        return sub_codebooks.tables(queries.rows, self.rotation_, self.centres_)  # type: ignore[arg-type]

    def scores(self, queries: Vectors, codes: Codes) -> np.ndarray:
        return sub_codebooks.scored(self.tables(queries), codes.symbols)
