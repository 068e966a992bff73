"""Vectors to bits by planes that lie where they were learned to lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.fingerprint import fingerprint
from nearkin.stage import BitCodec, fitted, learned
from nearkin.tables import Codes, Vectors, unit


@dataclass(kw_only=True)
class HalfSpaces(BitCodec):
    """On which side of learned planes a vector lies.

    Vectors[n, d] -> Codes[n, bits], 1 where planes . vector + offset > 0. `HalfSpaces.of(planes)` takes planes that something else
    learned, float [bits, d + 1], such as a paragraph vector's coding layer. `fit` learns them as iterative quantisation does: the first
    `bits` principal directions, turned until the turned vectors are as near to their signs as they get (50 rounds, from `seed`).
    decode: the sum of the planes, each with its sign, at length 1. Cost: n * d * bits. Refused: another dim, more bits than dimensions.
    Source: Gong, Lazebnik, Gordo and Perronnin, "Iterative quantization", PAMI 2013.
    """

    bits: int = 128
    seed: int = 0
    planes_: np.ndarray | None = learned()  # float64 [bits, d + 1]
    version_: str | None = learned()

    @classmethod
    def of(cls, planes: np.ndarray) -> Self:
        """A codec with these planes, the last column being the offset."""
        codec = cls(bits=len(planes))
        codec._take(planes)
        return codec

    @classmethod
    def signs(cls, dim: int) -> Self:
        """A bit a coordinate: whether it is above 0."""
        return cls.of(np.eye(dim, dim + 1))

    def fit(self, vectors: Vectors) -> Self:
        if not 1 <= self.bits <= min(vectors.dim, len(vectors)):
            raise BadInput(f"expected 1 <= bits <= dim and vectors, got bits={self.bits} for {len(vectors)} vectors of dim {vectors.dim}")
        rows = np.asarray(vectors.rows, np.float64)
        mean = rows.mean(0)
        axes = np.linalg.eigh((rows - mean).T @ (rows - mean))[1][:, ::-1][:, : self.bits]
        low = (rows - mean) @ axes
        turn = np.linalg.qr(np.random.default_rng(self.seed).normal(size=(self.bits, self.bits)))[0]
        for _ in range(50):
            left, _, right = np.linalg.svd(low.T @ np.where(low @ turn > 0, 1.0, -1.0))
            turn = left @ right
        planes = (axes @ turn).T
        self._take(np.concatenate([planes, -(planes @ mean)[:, None]], 1))
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        planes = fitted(self).planes_
        if vectors.dim != planes.shape[1] - 1:
            raise ShapeError(f"HalfSpaces holds planes of dim {planes.shape[1] - 1}, got {vectors.dim}; use one encoder for both")
        symbols = np.asarray(vectors.rows, np.float64) @ planes[:, :-1].T + planes[:, -1] > 0
        return Codes(symbols.astype(np.uint8), [2] * self.bits, vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        signs = codes.symbols.astype(np.float64) * 2 - 1
        return Vectors(unit(signs @ fitted(self).planes_[:, :-1]), codes.things)

    def _take(self, planes: np.ndarray) -> None:
        self.planes_ = np.array(planes, np.float64)
        self.version_ = fingerprint(self.planes_)
