"""Search of bits: a few of them a dimension, compared as integers, flat or by lists of neighbours."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.marking import MarkingIndex
from nearkin.kernels import bits as kernels
from nearkin.kernels.spherical_k_means import centres_of
from nearkin.stage import BitCodec, Codec, fitted, learned
from nearkin.tables import Catalog, Codes, Hits, Vectors, best, unit

BLOCK = 8192  # items coded at once
A_LIST, ROUNDS = 64, 10  # items a list that the centres are learned from, and rounds over them


@dataclass(kw_only=True)
class BitIndex(MarkingIndex):
    """Search of items held as packed bits, by the cosine of the small integers they stand for; no floats are kept.

    With a codec of bits: Vectors[q, d] -> Hits[q, min(k, n)], items and queries coded alike. Without one it works on ready bits:
    Codes[q, planes * m] -> Hits. Plane i of a code counts 2^-i; with one plane the order is that of the Hamming distance h, and the
    score 1 - 2 h / m. Packed scores equal those of the numbers the bits stand for to the last bit, in any batch; ties by row.
    With `lists` > 1 items lie in lists around centres (spherical k-means over a sample of the decoded items, from `seed`), of which
    the `probe` nearest are searched, and all of them for a query that finds fewer than k; probe = lists is the flat search.
    Cost: q * n * probe / lists * planes^2 * m / 64 popcounts; memory planes * m / 8 + 8 bytes an item (m rounded up to 64).
    `add` copies, keeps the centres and appends; `remove` marks. A saved index is read as a memory map.
    `asking` is another codec for the queries, such as a newer head fitted to be compatible with that of the items.
    Refused: another dim, codes of more than two symbols, queries coded by another version of the codec than the items.
    Source: Gan et al., "Binary Embedding-based Retrieval at Tencent", KDD 2023 (symmetric distance; flat and inverted lists).
    """

    codec: Codec | None = None
    k: int = 10
    lists: int = 1
    probe: int = 1
    planes: int = 1  # of ready bits; a codec knows its own
    asking: Codec | None = None
    seed: int = 0
    bits_: np.ndarray | None = learned()  # uint64 [n, planes, words], list after list
    squares_: np.ndarray | None = learned()  # int32 [n], <B, B> of each
    rows_: np.ndarray | None = learned()  # int32 [n], the row of each
    offsets_: np.ndarray | None = learned()  # int64 [lists + 1]
    centres_: np.ndarray | None = learned(optional=True)  # float32 [lists, m]
    gone_: np.ndarray | None = learned()  # bool [n] by row: removed
    dim_: int | None = learned()  # m
    things_: Catalog | None = learned(optional=True)
    version_: str | None = learned(optional=True)  # of the codec that coded the items

    def __post_init__(self) -> None:
        if not 1 <= self.probe <= self.lists:
            raise BadInput(f"expected 1 <= probe <= lists, got probe={self.probe} of lists={self.lists}")
        if self.asking is not None and self.codec is None:
            raise BadInput("asking codes the queries of an index whose codec codes the items; give that codec too")

    @property
    def takes(self) -> type:  # type: ignore[override]
        return Codes if self.codec is None else Vectors

    def fit(self, items: Any) -> Self:
        check_table(self, items, self.takes)
        self.version_, bits, self.dim_ = _version(self.codec), *self._coded(items, self.codec)
        self.things_, self.gone_, self.centres_ = items.things, np.zeros(len(items), np.bool_), None
        if self.lists > 1:
            self.centres_ = self._learned_centres(bits)
        self._place(bits, kernels.squares(bits, self.dim_), np.arange(len(items), dtype=np.int32), self._nearest_lists(bits, 1)[:, 0])
        return self

    def add(self, items: Any) -> Self:
        other = copy(fitted(self))
        bits = other._checked(items, self.codec)
        new = np.arange(len(self), len(self) + len(items), dtype=np.int32)
        old = (self.bits_, self.squares_, self.rows_, np.repeat(np.arange(len(self.offsets_) - 1), np.diff(self.offsets_)))
        came = (bits, kernels.squares(bits, self.dim_), new, self._nearest_lists(bits, 1)[:, 0])
        other._place(*(np.concatenate(each) for each in zip(old, came, strict=True)))
        other.gone_ = np.concatenate([self.gone_, np.zeros(len(items), np.bool_)])
        other.things_ = joined_things(self, self.things_, items.things)
        return other

    def __call__(self, queries: Any, *, keep: np.ndarray | None = None) -> Hits:
        asked, keep = fitted(self)._checked(queries, self.asking or self.codec), checked_keep(keep, len(self))
        barred = np.array(self.gone_) if keep is None else self.gone_ | ~keep
        k = min(self.k, len(self))
        scores, rows = self._found(asked, barred, k, min(self.probe, len(self.offsets_) - 1))
        short = np.flatnonzero((rows < 0).any(1) & (np.count_nonzero(~barred) > (rows >= 0).sum(1)))
        if len(short):
            scores[short], rows[short] = self._found(asked[short], barred, k, len(self.offsets_) - 1)
        return best(scores, k, rows=rows, queries=queries.things, items=self.things_)

    def score(self, queries: Any, rows: np.ndarray) -> np.ndarray:
        asked, rows = fitted(self)._checked(queries, self.asking or self.codec), checked_candidates(rows, len(queries), len(self))
        places, scores = np.empty(len(self), np.int64), np.full(rows.shape, -np.inf, np.float32)
        places[self.rows_] = np.arange(len(self))
        for query, square, wanted, line in zip(asked, kernels.squares(asked, self.dim_), rows, scores):
            held = places[wanted[wanted >= 0]]
            line[wanted >= 0] = kernels.scores(self.bits_[held], self.squares_[held], query, square, self.dim_)
        return scores

    def _found(self, asked: np.ndarray, barred: np.ndarray, k: int, probe: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows of the k best of each query in its nearest lists, unordered: float32 and int32 [q, k]."""
        best, found = np.full((len(asked), k), -np.inf, np.float32), np.full((len(asked), k), -1, np.int32)
        if k and len(asked):
            lists = self._nearest_lists(asked, probe)
            askers = np.argsort(lists, axis=None, kind="stable") // probe
            starts = np.searchsorted(np.sort(lists, axis=None), np.arange(len(self.offsets_)))
            squares = kernels.squares(asked, self.dim_)
            held = (self.bits_, self.squares_, self.rows_, barred, self.offsets_)
            kernels.search(*held, asked, squares, self.dim_, askers, starts, best, found)
        return best, found

    def _learned_centres(self, bits: np.ndarray) -> np.ndarray | None:
        """Centres of a sample of the items, float32 [lists, m]; None where there are no items."""
        chosen = np.sort(np.random.default_rng(self.seed).permutation(len(bits))[: A_LIST * self.lists])
        rows = unit(kernels.expanded(bits[chosen], self.dim_))
        return centres_of(rows, self.lists, rounds=ROUNDS, seed=self.seed) if len(rows) else None

    def _nearest_lists(self, bits: np.ndarray, probe: int) -> np.ndarray:
        """The lists with the nearest centres, in no order: int64 [n, probe]."""
        if self.centres_ is None:
            return np.zeros((len(bits), 1), np.int64)
        centres, found = self.centres_.astype(np.float64), np.empty((len(bits), probe), np.int64)  # so that a batch changes no choice
        for start in range(0, len(bits), BLOCK):
            rows = kernels.expanded(bits[start : start + BLOCK], self.dim_).astype(np.float64)
            found[start : start + BLOCK] = np.argpartition(-(rows @ centres.T), probe - 1, axis=1)[:, :probe]
        return found

    def _place(self, bits: np.ndarray, squares: np.ndarray, rows: np.ndarray, lists: np.ndarray) -> None:
        """Hold the items list after list, within a list in the order of rows."""
        count = 1 if self.centres_ is None else len(self.centres_)
        self.offsets_ = np.concatenate([[0], np.bincount(lists, minlength=count).cumsum()])
        order = slice(None) if count == 1 else np.argsort(lists, kind="stable")
        self.bits_, self.squares_, self.rows_ = bits[order], squares[order], rows[order]

    def _checked(self, table: Any, codec: Codec | None) -> np.ndarray:
        """The bits of queries or further items, after refusing what does not compare with those held."""
        check_table(self, table, self.takes)
        _check_version(self.version_, codec)
        bits, dim = self._coded(table, codec)
        check_dim(self, self.dim_, dim)
        return bits

    def _coded(self, table: Any, codec: Codec | None) -> tuple[np.ndarray, int]:
        """Packed bits, a block of rows at a time, and the numbers a code stands for."""
        planes = self.planes if self.codec is None else getattr(self.codec, "planes", 1)
        parts, levels = [], 0
        for start in range(0, max(len(table), 1), BLOCK):
            part = table.take(np.arange(start, min(start + BLOCK, len(table))))
            codes = part if codec is None else codec(part)
            parts.append(kernels.packed(_two_symbols(codes), planes))
            levels = codes.levels
        return np.concatenate(parts), levels // planes


def _two_symbols(codes: Codes) -> np.ndarray:
    """The symbols, after refusing codebooks of more than two."""
    if max(codes.codebook_sizes, default=2) > 2:
        raise BadInput(f"BitIndex holds codes of two symbols; the codebook sizes are {codes.codebook_sizes[:8]}")
    return codes.symbols


def _version(codec: Codec | None) -> str | None:
    """The version of a codec that has one."""
    return codec.version_ if isinstance(codec, BitCodec) else None


def _check_version(held: str | None, codec: Codec | None) -> None:
    """Refuse codes of another version than those held."""
    came = _version(codec)
    if came != held and held not in ((codec.reads_ or ()) if isinstance(codec, BitCodec) else ()):
        raise BadInput(
            f"the items were coded by version {held}, these would be by {came}, which was not fitted to be compatible with it; "
            f"fit the index again with the new codec, or fit the codec with compatible_with=the old one"
        )
