"""Vectors to a few learned bits a dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, Missing, ShapeError
from nearkin.kernels import bits as kernels
from nearkin.kernels.fingerprint import fingerprint
from nearkin.stage import BitCodec, fitted, learned
from nearkin.tables import Codes, Vectors, unit

BLOCK = 4096  # rows coded at once, in float64
NOISE = 1.0  # length of what is added to a vector that has no query, so that the two sides differ


@dataclass(kw_only=True)
class StackedBits(BitCodec):
    """A small network learned from stored vectors codes each in loops + 1 bits a number; the vectors' encoder is not needed.

    Vectors[n, d] -> Codes[n, (loops + 1) * dim], plane after plane. b_0 = sign(W f); loop i takes what the code so far does not
    tell, b_i = b_{i-1} + 2^-i sign(R_i(f - unit(B_i b_{i-1}))); loops=0 is a one-shot hash. decode: the numbers b, float32 [n, dim],
    to be compared by cosine with one another; they are no vectors of the encoder. Coded in float64, so that a code hangs neither on
    its batch nor on the machine. Lengths play no part: rows are scaled to length 1 on entry, and a row of zeros has a code like any.

    fit(vectors, queries, own): query i asks for row own[i] of the vectors, and two queries of one row are no negatives of each other.
    Without queries each vector is its own, through noise. compatible_with: an older codec whose codes the new queries must find
    too, whatever it is; `before` are the vectors that it coded, where another encoder made them.
    Loss: `symmetric_hard_nce`, or `compatible_nce`. Cost: a vector 2 hidden (d + dim) (1 + 2 loops) products, in training about
    6 times as much an epoch; 16,000 pairs of 384 numbers take 10 s an epoch on a core.
    Refused: fewer than two rows, rows all alike, an older codec of another dim or number of planes, another d than at fit.
    Source: Gan et al., "Binary Embedding-based Retrieval at Tencent", KDD 2023; the start as a linear code is ours.
    """

    dim: int = 256  # numbers a code, m
    loops: int = 1  # u
    hidden: int = 768  # 2 d or more for an exact start
    epochs: int = 4
    batch: int = 256
    rate: float = 0.02
    queue: int = 0  # codes of former batches kept as negatives
    seed: int = 0
    weights_: list[np.ndarray] | None = learned()
    version_: str | None = learned()
    reads_: tuple[str, ...] | None = learned(optional=True)

    def __post_init__(self) -> None:
        if self.dim < 1 or self.loops < 0 or self.hidden < 2 or self.batch < 2:
            raise BadInput(f"expected dim >= 1, loops >= 0, hidden and batch >= 2; got {self}")

    @property
    def planes(self) -> int:  # type: ignore[override]
        return self.loops + 1

    def fit(
        self,
        vectors: Vectors,
        queries: Vectors | None = None,
        own: np.ndarray | None = None,
        *,
        compatible_with: BitCodec | None = None,
        before: Vectors | None = None,
    ) -> Self:
        training, tensor = _training()
        items = unit(vectors.rows)
        if len(items) < 2 or (items == items[0]).all():
            raise BadInput(f"a code is learned from rows that differ; got {len(items)} rows, all alike or fewer than two")
        asked, own = _pairs(items, queries, own, self.seed)
        old = None if compatible_with is None else self._old(compatible_with, before or vectors, len(items))
        pairs = training.Pairs(tensor(items), tensor(asked), tensor(own), None if old is None else tensor(old))
        self.weights_ = training.folded(training.trained(pairs, self))
        self.version_ = fingerprint(*self.weights_)
        self.reads_ = None if compatible_with is None else (str(compatible_with.version_),)
        return self

    def __call__(self, vectors: Vectors) -> Codes:
        weights = fitted(self).weights_
        if vectors.dim != weights[0].shape[1]:
            raise ShapeError(f"StackedBits was fitted to dim {weights[0].shape[1]}, got {vectors.dim}; use one encoder for both")
        wide = [each.astype(np.float64) for each in weights]
        symbols = np.empty((len(vectors), self.planes * self.dim), np.uint8)
        for start in range(0, len(vectors), BLOCK):
            symbols[start : start + BLOCK] = _coded(unit(vectors.rows[start : start + BLOCK]).astype(np.float64), wide)
        return Codes(symbols, [2] * symbols.shape[1], vectors.things)

    def decode(self, codes: Codes) -> Vectors:
        return Vectors(kernels.expanded(kernels.packed(codes.symbols, self.planes), self.dim), codes.things)

    def scores(self, queries: Vectors, codes: Codes) -> np.ndarray:
        """Cosines of coded queries with coded things, float32 [q, n]."""
        asked, held = (kernels.packed(each.symbols, self.planes) for each in (self(queries), codes))
        squares = kernels.squares(held, self.dim), kernels.squares(asked, self.dim)
        lines = [kernels.scores(held, squares[0], query, square, self.dim) for query, square in zip(asked, squares[1])]
        return np.array(lines, np.float32).reshape(len(asked), len(held))

    def _old(self, codec: BitCodec, vectors: Vectors, count: int) -> np.ndarray:
        """What the older codec made of the items, float32 [n, dim]."""
        codes = codec(vectors)
        if codec.planes != self.planes or codes.levels != self.planes * self.dim or len(codes) != count:
            raise BadInput(
                f"codes compare only with codes of {self.planes} planes of {self.dim} bits, one for each of {count} rows; "
                f"the older codec gives {codec.planes} planes, {codes.levels} bits in all, for {len(codes)} rows"
            )
        return kernels.expanded(kernels.packed(codes.symbols, self.planes), self.dim)


def _coded(vectors: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Symbols [n, planes * dim] of unit rows; a sum of exactly 0 counts as +1."""
    first, *others = (weights[start : start + 4] for start in range(0, len(weights), 4))
    planes = [_through(vectors, first) >= 0]
    code = np.where(planes[0], 1.0, -1.0)
    for back, rest in zip(others[::2], others[1::2]):
        told = _through(code, back)
        told /= np.maximum(np.linalg.norm(told, axis=1, keepdims=True), 1e-12)
        planes.append(_through(vectors - told, rest) >= 0)
        code += 0.5 ** (len(planes) - 1) * np.where(planes[-1], 1.0, -1.0)
    return np.concatenate(planes, axis=1)


def _through(rows: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Linear, ReLU, linear; the batch norm is in the first."""
    into, offset, out, last = weights
    return np.maximum(rows @ into.T + offset, 0) @ out.T + last


def _pairs(items: np.ndarray, queries: Vectors | None, own: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows of queries and the item of each, int64."""
    if (queries is None) != (own is None):
        raise BadInput("queries and own go together: query i asks for row own[i] of the vectors; give both or neither")
    if queries is None or own is None:
        noise = np.random.default_rng(seed).standard_normal(items.shape).astype(np.float32)
        return unit(items + NOISE / np.sqrt(items.shape[1]) * noise), np.arange(len(items))
    own = np.asarray(own, np.int64)
    if own.shape != (len(queries),) or len(own) < 2 or own.min() < 0 or own.max() >= len(items) or queries.dim != items.shape[1]:
        raise BadInput(
            f"expected two queries or more of dim {items.shape[1]}, each with a row below {len(items)}; "
            f"got {queries} and own {own.dtype} {list(own.shape)}"
        )
    return unit(queries.rows), own


def _training() -> tuple[Any, Any]:
    """The module that trains, and what makes tensors."""
    try:
        import torch
    except ImportError as error:
        raise Missing("torch", "torch") from error
    from nearkin.codecs import binary_training

    return binary_training, torch.from_numpy
