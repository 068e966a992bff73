"""Vectors to bits by the signs of random projections: nothing but the number of dimensions is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.fingerprint import fingerprint
from nearkin.stage import BitCodec, fitted, learned
from nearkin.tables import Codes, Vectors, unit

BLOCK = 8192  # rows turned at once, in float64


@dataclass(kw_only=True)
class SignHash(BitCodec):
    """On which side of `bits` random planes a vector lies; two vectors differ in a bit with the chance angle / pi.

    Vectors[n, d] -> Codes[n, bits], symbols 0 or 1 (0 for below; exactly on the plane is 1). The planes are drawn from `seed` in
    orthogonal groups of d, which cuts the variance of that estimate; with bits <= d they are one random rotation, cut short.
    decode: the sum of the normals, each with its sign, at length 1. Lengths play no part. Projected in float64, so that a code does
    not depend on the batch. Cost: n * d * bits. Refused: no bits, another dim than at fit.
    Source: Charikar, STOC 2002; orthogonal groups: Ji et al., "Super-bit locality-sensitive hashing", NIPS 2012.
    """

    bits: int = 256
    seed: int = 0
    normals_: np.ndarray | None = learned()  # float32 [d, bits]
    version_: str | None = learned()

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise BadInput(f"a hash has one bit at least, got bits={self.bits}")

    def fit(self, vectors: Vectors) -> Self:
        random, groups = np.random.default_rng(self.seed), -(-self.bits // max(vectors.dim, 1))
        turned = [np.linalg.qr(random.standard_normal((vectors.dim, vectors.dim)))[0] for _ in range(groups)]
        self.normals_ = np.concatenate(turned, axis=1)[:, : self.bits].astype(np.float32)
        self.version_ = fingerprint(self.normals_)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        normals = fitted(self).normals_
        if vectors.dim != len(normals):
            raise ShapeError(f"SignHash was fitted to dim {len(normals)}, got {vectors.dim}; use one encoder for both")
        wide, symbols = normals.astype(np.float64), np.empty((len(vectors), self.bits), np.uint8)
        for start in range(0, len(vectors), BLOCK):
            symbols[start : start + BLOCK] = vectors.rows[start : start + BLOCK].astype(np.float64) @ wide >= 0
        return Codes(symbols, [2] * self.bits, vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        signs = codes.symbols.astype(np.float32) * 2 - 1
        return Vectors(unit(signs @ fitted(self).normals_.T), codes.things)
