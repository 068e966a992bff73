"""Vectors at 4 or 8 bits a number, each on a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels import lvq
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Codes, Vectors

FACTORS = 8  # bytes of step and low, float32 each
BLOCK = 16_384  # rows read at once


@dataclass(kw_only=True)
class Lvq(Codec):
    """Locally adaptive vector quantisation: without the mean, each number becomes one of 2^bits steps from the row's least to its most.

    Vectors[n, d] -> Codes[n, d + 8]: d symbols below 2^bits, then 8 bytes that hold the row's step and low (float32, little-endian).
    x = mean + low + step * symbol, off by step / 2 at most; 8 bits never decode worse than 4, as their grid contains that of 4.
    `scores` multiplies float queries with the symbols as they are, or with `packed` ones, two a byte, to the same bits.
    Size: d * bits / 8 + 8 bytes a vector. Cost: n * d. Refused: other bits, another d, no vectors.
    Source: Aguerrebere, Bhati, Hildebrand, Tepper and Willke, "Similarity search in the blink of an eye with compressed indices", 2023,
    who hold the two factors in 16 bits each.
    """

    bits: Literal[4, 8] = 8
    mean_: np.ndarray | None = learned()  # float32 [d]

    def fit(self, vectors: Vectors) -> Self:
        if self.bits not in (4, 8):
            raise BadInput(f"Lvq codes 4 or 8 bits a number, asked for {self.bits}")
        self.mean_ = mean_of(vectors)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        symbols, factors = first_level(self, vectors, fitted(self).mean_, self.bits)
        sizes = [1 << self.bits] * vectors.dim + [256] * FACTORS
        return Codes(np.concatenate([symbols, factors.view(np.uint8)], 1), sizes, vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        mean = fitted(self).mean_
        symbols, factors = parts(self, codes, len(mean))
        return Vectors(symbols * factors[:, :1] + factors[:, 1:] + mean, codes.things)

    def packed(self, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
        """What an index keeps: symbols uint8 [n, d], or two a byte for 4 bits; and steps and lows, float32 [n, 2]."""
        symbols, factors = parts(self, codes, len(fitted(self).mean_))
        return (lvq.pack(symbols) if self.bits == 4 else np.ascontiguousarray(symbols)), factors

    def scores(self, queries: Vectors, codes: Codes) -> np.ndarray:
        """Inner products of float queries with what the codes stand for: float32 [q, n]."""
        return self.scores_packed(queries, *self.packed(codes))

    def scores_packed(self, queries: Vectors, packed: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """`scores` from what `packed` gave."""
        mean = fitted(self).mean_
        check_dim(self, queries.dim, len(mean))
        kernel = lvq.packed_products if self.bits == 4 else lvq.products
        steps, lows = np.ascontiguousarray(factors.T)
        found = np.empty((len(queries), len(packed)), np.float32)
        for query, line in zip(np.asarray(queries.rows, np.float32), found):
            kernel(packed, steps, lows, query, query.sum(), line)
        return found + (queries.rows @ mean)[:, None]


def mean_of(vectors: Vectors) -> np.ndarray:
    """The mean row, float32 [d], summed in float64 by blocks."""
    if not len(vectors):
        raise BadInput("the mean of no vectors; give at least one row to learn from")
    starts = range(0, len(vectors), BLOCK)
    total = sum(np.sum(vectors.rows[start : start + BLOCK], axis=0, dtype=np.float64) for start in starts)
    return np.asarray(total / len(vectors), np.float32)


def first_level(codec: Any, vectors: Vectors, mean: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Symbols uint8 [n, d] and factors float32 [n, 2] (step, low) of the rows without the mean."""
    check_dim(codec, vectors.dim, len(mean))
    symbols, factors = np.empty((len(vectors), vectors.dim), np.uint8), np.empty((len(vectors), 2), "<f4")
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        lvq.encode(centred(vectors.rows[part], mean), (1 << bits) - 1, symbols[part], factors[part, 0], factors[part, 1])
    return symbols, factors


def centred(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Rows without the mean: float32 [n, d]."""
    return np.subtract(rows, mean, dtype=np.float32)


def parts(codec: Any, codes: Codes, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Symbols uint8 [n, width] and factors float32 [n, 2] of codes; refuses codes of another codec."""
    if codes.levels != width + FACTORS or codes.symbols.dtype != np.uint8:
        raise ShapeError(f"{type(codec).__name__} decodes {width} symbols and {FACTORS} bytes a row, got {codes.levels} levels")
    return codes.symbols[:, :width], np.ascontiguousarray(codes.symbols[:, width:]).view("<f4")


def check_dim(codec: Any, came: int, held: int) -> None:
    """Refuse vectors of another dim than those learned from."""
    if came != held:
        raise ShapeError(f"{type(codec).__name__} was fitted for dim {held}, got {came}; use one encoder for items and queries")
