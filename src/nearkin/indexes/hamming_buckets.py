"""Search of short codes by buckets: all things whose code differs in at most so many bits, without looking at the others."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.marking import MarkingIndex
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Codes, Hits, best

MOST_BITS = 64


@dataclass(kw_only=True)
class HammingBuckets(MarkingIndex):
    """Exact search by Hamming distance: buckets of equal codes are looked up, ever farther from the query's code until k are found.

    Codes[q, bits] -> Hits[q, min(k, n)], up to 64 bits of two symbols; score 1 - 2 h / bits for the distance h, ties by row. `within`
    gives all things up to a radius. Buckets up to distance r are counted out, or, where there are fewer buckets than that, all are
    compared. Cost a query: sum over r of C(bits, r) binary searches until k are found; memory 20 bytes an item.
    Refused: more than 64 bits, codes of more than two symbols, another number of bits.
    Source: semantic hashing, Salakhutdinov and Hinton, 2009.
    """

    k: int = 10
    keys_: np.ndarray | None = learned()  # uint64 [n] by row
    order_: np.ndarray | None = learned()  # int64 [n]: rows by rising key
    buckets_: np.ndarray | None = learned()  # uint64 [buckets], rising
    offsets_: np.ndarray | None = learned()  # int64 [buckets + 1]
    gone_: np.ndarray | None = learned()  # bool [n]
    bits_: int | None = learned()
    things_: Catalog | None = learned(optional=True)

    takes = Codes

    def fit(self, items: Codes) -> Self:
        check_table(self, items, Codes)
        if items.levels > MOST_BITS:
            raise BadInput(f"HammingBuckets looks up codes of up to {MOST_BITS} bits, got {items.levels}; search longer ones with BitIndex")
        return self._hold(_keys(items), np.zeros(len(items), np.bool_), items.levels, items.things)

    def add(self, items: Codes) -> Self:
        old = fitted(self)
        keys = old._asked(items)
        gone = np.concatenate([old.gone_, np.zeros(len(items), np.bool_)])
        return copy(self)._hold(np.concatenate([old.keys_, keys]), gone, old.bits_, joined_things(self, old.things_, items.things))

    def __call__(self, queries: Codes, *, keep: np.ndarray | None = None) -> Hits:
        asked, keep = fitted(self)._asked(queries), checked_keep(keep, len(self))
        open_ = ~self.gone_ if keep is None else ~self.gone_ & keep
        k, live = min(self.k, len(self)), int(open_.sum())
        rows, scores = np.full((len(asked), k), -1, np.int32), np.full((len(asked), k), -np.inf, np.float32)
        for line, query in enumerate(asked):
            found, far = self._nearest(query, open_, min(k, live))
            order = np.lexsort((found, far))[:k]
            rows[line, : len(order)], scores[line, : len(order)] = found[order], self._score(far[order])
        return best(scores, k, rows=rows, queries=queries.things, items=self.things_)

    def within(self, queries: Codes, radius: int) -> list[np.ndarray]:
        """For each query the rows of all items whose code differs in at most `radius` bits, rising."""
        found = []
        for query in fitted(self)._asked(queries):
            rows = self._rows(np.flatnonzero(np.bitwise_count(self.buckets_ ^ query) <= radius))  # type: ignore[operator]
            found.append(np.sort(rows[~self.gone_[rows]]))  # type: ignore[index]
        return found

    def score(self, queries: Codes, rows: np.ndarray) -> np.ndarray:
        asked, rows = fitted(self)._asked(queries), checked_candidates(rows, len(queries), len(self))
        scores = np.full(rows.shape, -np.inf, np.float32)
        for query, wanted, line in zip(asked, rows, scores):
            line[wanted >= 0] = self._score(np.bitwise_count(self.keys_[wanted[wanted >= 0]] ^ query))  # type: ignore[index]
        return scores

    def _hold(self, keys: np.ndarray, gone: np.ndarray, bits: int | None, things: Catalog | None) -> Self:
        self.keys_, self.gone_, self.bits_, self.things_ = keys, gone, bits, things
        self.order_ = np.argsort(keys, kind="stable")
        self.buckets_, starts = np.unique(keys[self.order_], return_index=True)
        self.offsets_ = np.append(starts, len(keys))
        return self

    def _nearest(self, query: np.uint64, open_: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and distances of at least the k nearest: whole distances at a time, then all that is left."""
        rows, far, step = np.empty(0, np.int64), np.empty(0, np.int64), 0
        while len(rows) < k:
            last = comb(self.bits_, step) > len(self.buckets_)  # type: ignore[arg-type]
            chosen = self._beyond(query, step) if last else self._at(query, step)
            found = self._rows(chosen)
            found = found[open_[found]]
            rows = np.concatenate([rows, found])
            far = np.concatenate([far, np.bitwise_count(self.keys_[found] ^ query).astype(np.int64)])  # type: ignore[index]
            step += 1
            if last:
                break
        return rows, far

    def _at(self, query: np.uint64, distance: int) -> np.ndarray:
        """The buckets whose code differs in exactly so many bits, looked up one by one."""
        wanted = _masks(self.bits_, distance) ^ query  # type: ignore[arg-type]
        place = np.minimum(np.searchsorted(self.buckets_, wanted), len(self.buckets_) - 1)  # type: ignore[arg-type]
        return place[self.buckets_[place] == wanted]  # type: ignore[index]

    def _beyond(self, query: np.uint64, distance: int) -> np.ndarray:
        """The buckets whose code differs in at least so many bits, by comparing all."""
        return np.flatnonzero(np.bitwise_count(self.buckets_ ^ query) >= distance)  # type: ignore[operator]

    def _rows(self, buckets: np.ndarray) -> np.ndarray:
        """The rows that lie in these buckets."""
        lengths = np.diff(self.offsets_)[buckets]  # type: ignore[arg-type]
        starts = np.repeat(self.offsets_[buckets] - np.cumsum(lengths) + lengths, lengths)  # type: ignore[index]
        return self.order_[starts + np.arange(lengths.sum())]  # type: ignore[index,no-any-return]

    def _score(self, distance: np.ndarray) -> np.ndarray:
        return (1 - 2 * distance.astype(np.float64) / max(self.bits_, 1)).astype(np.float32)  # type: ignore[type-var]

    def _asked(self, codes: Codes) -> np.ndarray:
        check_table(self, codes, Codes)
        check_dim(self, self.bits_, codes.levels)  # type: ignore[arg-type]
        return _keys(codes)


@lru_cache(maxsize=128)
def _masks(bits: int, distance: int) -> np.ndarray:
    """All words with exactly so many of the first `bits` bits set, laid out as keys are: uint64 [C(bits, distance)]."""
    chosen = np.array(list(combinations(range(bits), distance)), np.int64).reshape(comb(bits, distance), distance)
    symbols = np.zeros((len(chosen), bits), np.uint8)
    np.put_along_axis(symbols, chosen, 1, 1)
    return _packed(symbols)


def _keys(codes: Codes) -> np.ndarray:
    """Bits as one number a thing: uint64 [n]."""
    if max(codes.codebook_sizes, default=2) > 2:
        raise ShapeError(f"HammingBuckets looks up codes of two symbols; the codebook sizes are {codes.codebook_sizes}")
    return _packed(codes.symbols)


def _packed(symbols: np.ndarray) -> np.ndarray:
    octets = np.zeros((len(symbols), MOST_BITS // 8), np.uint8)
    packed = np.packbits(symbols.astype(np.bool_), axis=1)
    octets[:, : packed.shape[1]] = packed
    return octets.view("<u8")[:, 0].copy()
