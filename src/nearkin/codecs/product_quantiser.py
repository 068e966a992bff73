"""Vectors in a few bytes: cut into parts, each part replaced by the nearest of its own centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.codecs import sub_codebooks
from nearkin.codecs.part_codec import PartCodec
from nearkin.kernels.by_faiss import ByProducts, OneThread, load_faiss
from nearkin.stage import learned
from nearkin.tables import Vectors

SAMPLE_A_CENTRE = 128  # rows a centre that training looks at; more moves the squared error by less than 1 %
TURN_SAMPLE = 8192  # rows that the rotation is learned from: it has d * d numbers, and each of its rounds quantises all these rows


@dataclass(kw_only=True)
class ProductQuantiser(PartCodec):
    """Product quantisation (PQ); with `rotate` the vectors are turned first, so that the parts share the spread evenly (OPQ).

    Vectors[n, d] -> Codes[n, levels], symbols below codebook_size: x is turned, cut into `levels` equal parts, and each part is named by
    its nearest centre; decoding puts the centres side by side and turns back. `scores` takes float queries: <q, x> is the sum of one table
    entry a level, equal to the inner product with the decoded row up to rounding, and the query itself is never quantised.
    Size: levels * log2(codebook_size) / 8 bytes a vector. Cost: coding n * codebook_size * d, and n * d * d for the turn; a score one
    look-up a level. Refused: levels that do not divide d, a codebook_size that is no power of two up to 256, fewer rows than centres.
    Needs the package faiss-cpu to fit, not to code.
    Source: Jegou, Douze and Schmid, 2011; Ge, He, Ke and Sun, 2013 for the rotation; both trained by faiss.
    """

    levels: int = 8
    codebook_size: int = 256
    rotate: bool = False
    seed: int = 0
    centres_: np.ndarray | None = learned()  # float32 [levels, codebook_size, d / levels]
    rotation_: np.ndarray | None = learned(optional=True)  # float32 [d, d]

    def fit(self, vectors: Vectors) -> Self:
        sub_codebooks.check_parts(vectors.dim, self.levels, self.codebook_size)
        sub_codebooks.check_rows(len(vectors), self.codebook_size)
        rows = sampled(vectors.rows, SAMPLE_A_CENTRE * self.codebook_size, self.seed)
        with OneThread():
            self.rotation_ = trained_rotation(rows[:: -(-len(rows) // TURN_SAMPLE)], self) if self.rotate else None
            self.centres_ = trained_centres(rows if self.rotation_ is None else rows @ self.rotation_.T, self)
        return self


def sampled(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """All rows, or so many of them drawn at random, as float32 in one block of memory."""
    if len(rows) > most:
        rows = rows[np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))]
    return np.ascontiguousarray(rows, np.float32)


def trained_centres(rows: np.ndarray, codec: ProductQuantiser) -> np.ndarray:
    """k-means in each part on its own: float32 [levels, codebook_size, d / levels]."""
    quantiser = _quantiser(rows.shape[1], codec)
    with ByProducts():
        quantiser.train(np.ascontiguousarray(rows, np.float32))
    centres = load_faiss().vector_to_array(quantiser.centroids)
    return centres.reshape(codec.levels, codec.codebook_size, -1).astype(np.float32)


def trained_rotation(rows: np.ndarray, codec: ProductQuantiser) -> np.ndarray:
    """The rotation under which product quantisation loses least: float32 [d, d]."""
    dim, quantiser = rows.shape[1], _quantiser(rows.shape[1], codec)
    turn = load_faiss().OPQMatrix(dim, codec.levels)
    turn.pq, turn.max_train_points = quantiser, len(rows)
    turn.niter, turn.niter_pq, turn.niter_pq_0 = 12, 2, 8
    turn.train(np.ascontiguousarray(rows))
    return load_faiss().vector_to_array(turn.A).reshape(dim, dim).astype(np.float32)


def _quantiser(dim: int, codec: ProductQuantiser) -> Any:
    quantiser = load_faiss().ProductQuantizer(dim, codec.levels, codec.codebook_size.bit_length() - 1)
    quantiser.cp.seed, quantiser.cp.min_points_per_centroid = codec.seed + 1, 1
    return quantiser
