"""Which rows of an index are which entries of a store outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Self

import numpy as np

from nearkin.indexes.checks import marked
from nearkin.tables import Catalog, Hits, best


@dataclass(frozen=True, eq=False)
class HeldKeys:
    """The key under which the store holds the vector of each row, int64 [n], and which rows were removed, bool [n]; never changed.

    A store holds each vector once, under its digest: what several processes add is there one time, and rows of equal vectors share a
    key. So an index only grows the store, and one that was made before is as it was.
    """

    keys: np.ndarray
    gone: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray) -> Self:
        """These keys, nothing removed."""
        return cls(keys, np.zeros(len(keys), np.bool_))

    def __len__(self) -> int:
        return len(self.keys)

    def followed_by(self, keys: np.ndarray) -> Self:
        """These rows, and then more of them."""
        return replace(self, keys=np.concatenate([self.keys, keys]), gone=np.concatenate([self.gone, np.zeros(len(keys), np.bool_)]))

    def without(self, rows: np.ndarray) -> Self:
        """The same rows, these of them removed."""
        return replace(self, gone=marked(self.gone, rows))

    def live(self, keep: np.ndarray | None) -> np.ndarray:
        """The rows that may be hits: bool [n]."""
        return ~self.gone if keep is None else ~self.gone & keep

    def first(self, live: np.ndarray, k: int) -> np.ndarray:
        """The keys of the first k live rows: what is nearest to a query of zeros, to which all are alike."""
        return np.unique(self.keys[np.flatnonzero(live)[:k]])

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.keys, kind="stable")

    @cached_property
    def _sorted(self) -> np.ndarray:
        return self.keys[self._order]

    def rows_of(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows under these keys, and for each the place of its key among those given; keys that no row has are passed by."""
        first, last = np.searchsorted(self._sorted, keys, "left"), np.searchsorted(self._sorted, keys, "right")
        counts = last - first
        places = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._order[first[places] + within], places

    def hits(
        self, found: list[tuple[np.ndarray, np.ndarray]], live: np.ndarray, k: int, queries: Catalog | None, items: Catalog | None
    ) -> Hits:
        """The keys and scores found for each query, as hits among the live rows."""
        pairs = []
        for keys, scores in found:
            rows, places = self.rows_of(keys)
            pairs.append((rows[live[rows]], scores[places][live[rows]]))
        width = max([k, *(len(rows) for rows, _ in pairs)])
        all_rows, all_scores = np.full((len(pairs), width), -1, np.int32), np.full((len(pairs), width), -np.inf, np.float32)
        for place, (rows, scores) in enumerate(pairs):
            all_rows[place, : len(rows)], all_scores[place, : len(rows)] = rows, scores
        return best(all_scores, k, rows=all_rows, queries=queries, items=items)


def digests(rows: np.ndarray, size: int) -> list[bytes]:
    """What names a vector, float32 [n, d]: equal ones alike, others apart."""
    return [blake2b(row.tobytes(), digest_size=size).digest() for row in rows]
