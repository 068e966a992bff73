"""One bit a dimension, with inner products that are right on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.pq import table_scores
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Codes, Vectors

FACTOR = 4  # bytes at the end of a code that hold a float32


@dataclass(kw_only=True)
class RaBitQ(Codec):
    """The signs of a randomly turned vector, and one number that makes the estimate of an inner product unbiased.

    Vectors[n, d] -> Codes[n, ceil(d / 8) + 4], symbols are bytes: the signs, most significant bit first, then a float32.
    r = x - centre, o = turn r of length |r|, s = signs of o / sqrt(bits); factor = |r| / <s, o / |r|>;
    scores: <q, x> is estimated by <q, centre> + factor * <turn q, s>, whose mean over random turns is <q, x> and whose error shrinks as
    1 / sqrt(d). `decode` gives centre + factor * turn' s, the vector with these inner products (not the one with the least error).
    Size: d / 8 + 4 bytes a vector. Cost: coding n * d^2; a score one look-up for 8 dimensions. Refused: no vectors, another dim.
    Source: Gao and Long, "RaBitQ", SIGMOD 2024, with float queries. Decoded rows are those of faiss's IndexRaBitQ; its scores differ by the
    share of the centre, <r, centre>, of which it keeps the exact value in 4 more bytes: where the mean is 0 they are the same.
    """

    seed: int = 0
    centre_: np.ndarray | None = learned()  # float32 [d]
    turn_: np.ndarray | None = learned()  # float32 [bits, d], columns of length 1 at right angles; bits: d up to a multiple of 8

    def fit(self, vectors: Vectors) -> Self:
        if not len(vectors) or not vectors.dim:
            raise BadInput("RaBitQ takes the mean of its vectors for a centre; give one vector at least")
        bits = 8 * -(-vectors.dim // 8)
        self.centre_ = vectors.rows.mean(0, dtype=np.float64).astype(np.float32)
        self.turn_ = np.linalg.qr(np.random.default_rng(self.seed).normal(size=(bits, vectors.dim)))[0].astype(np.float32)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        turned = self._turned(vectors.rows) - self._turned(fitted(self).centre_[None])
        lengths, bits = np.linalg.norm(turned, axis=1), turned > 0
        along = np.abs(turned).sum(1) / np.sqrt(turned.shape[1])  # |r| <s, o>
        factors = np.divide(lengths**2, along, out=np.zeros(len(turned)), where=along > 0).astype(np.float32)
        return self._codes(np.concatenate([np.packbits(bits, axis=1), factors[:, None].view(np.uint8)], axis=1), vectors)

    def decode(self, codes: Codes) -> Vectors:
        signs, factors = _taken_apart(codes, len(fitted(self).turn_))
        return Vectors(self.centre_ + (factors[:, None] * signs @ self.turn_).astype(np.float32), codes.things)

    def scores(self, queries: Vectors, codes: Codes) -> np.ndarray:
        turned = self._turned(queries.rows).reshape(len(queries), -1, 8)
        signs = (2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1) / np.sqrt(len(self.turn_))
        along = np.empty((len(queries), len(codes)), np.float32)
        table_scores(np.ascontiguousarray(codes.symbols[:, :-FACTOR]), (turned @ signs.T).astype(np.float32), along)
        centred = (queries.rows.astype(np.float64) @ self.centre_).astype(np.float32)
        return centred[:, None] + _factors(codes) * along

    def _turned(self, rows: np.ndarray) -> np.ndarray:
        if rows.shape[1] != fitted(self).turn_.shape[1]:
            raise ShapeError(f"RaBitQ was fitted on dim {self.turn_.shape[1]}, got {rows.shape[1]}; use one encoder for both")
        return rows.astype(np.float64) @ self.turn_.T.astype(np.float64)

    def _codes(self, symbols: np.ndarray, vectors: Vectors) -> Codes:
        return Codes(symbols, [256] * symbols.shape[1], vectors.things)


def _factors(codes: Codes) -> np.ndarray:
    return np.ascontiguousarray(codes.symbols[:, -FACTOR:]).view(np.float32)[:, 0]


def _taken_apart(codes: Codes, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Signs of length 1, float64 [n, bits], and factors float32 [n]."""
    signs = 2.0 * np.unpackbits(codes.symbols[:, :-FACTOR], axis=1, count=bits) - 1
    return signs / np.sqrt(bits), _factors(codes)
