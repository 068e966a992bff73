"""Exact search of dense vectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.flat_scan import encode, products, scan
from nearkin.indexes.marking import MarkingIndex
from nearkin.kernels.threads import cores, in_threads
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Hits, Vectors, best
from nearkin.tables.growing import Growing

_BLOCK = 16_384  # rows read at once, so that a memory map is never loaded whole
_GROUP = 64  # queries scanned together
MOST_THREADS, ROWS_A_THREAD = 4, 16_384  # a scan is bound by memory: more threads gain little, fewer rows cost more than they gain


@dataclass(kw_only=True)
class FlatIndex(MarkingIndex):
    """Exact search by inner product, every query against every item: the yardstick for all other indexes.

    Vectors[q, d] -> Hits[q, min(k, n)]; float32 or float16 items, which may be a memory map. Equal scores by row.
    score = the product in float64, rounded to float32, the same to the last bit in any batch. A scan of 8-bit copies with an error
    bound (`flat_scan`) first rules out the rows that cannot be among the k best; where that leaves too many, all are multiplied.
    Cost: q * n * d multiplications of small integers and some hundred exact products a query; memory d + 9 bytes an item on top of the
    rows. `add` puts rows behind those held (the first one copies them, see `Growing`), `remove` marks them.
    On one core 100,000 x 256 take 4 ms a query alone and 2 in a batch (benches/flat_index.py).
    Refused: another dim.
    Source: filter by approximations, then verify, as the VA-file does (Weber, Schek and Blott, VLDB 1998); bound and scan are our own.
    """

    k: int = 10
    items_: Vectors | None = learned()
    codes_: np.ndarray | None = learned()  # int8 [n, d]
    steps_: np.ndarray | None = learned()  # float32 [n]
    slacks_: np.ndarray | None = learned()  # float32 [n]
    reach_: float | None = learned()  # no item is longer
    gone_: np.ndarray | None = learned()  # bool [n]: removed

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        self.codes_, self.steps_, self.slacks_, self.reach_ = _encoded(items.rows)
        self.items_, self.gone_ = items, np.zeros(len(items), np.bool_)
        self.__dict__.pop("_rooms", None)
        return self

    def add(self, items: Vectors) -> Self:
        old = fitted(self)
        check_table(self, items, Vectors)
        check_dim(self, old.items_.dim, items.dim)
        new, other = type(self)(k=self.k).fit(items), copy(self)
        rooms = self.__dict__.setdefault("_rooms", defaultdict(Growing))  # shared by all that grow from one index
        other.__dict__["_rooms"] = rooms
        for name in ("codes_", "steps_", "slacks_"):
            setattr(other, name, rooms[name].followed_by(getattr(old, name), getattr(new, name)))
        other.gone_ = np.concatenate([old.gone_, new.gone_])
        kind = np.result_type(old.items_.rows, items.rows)
        rows = rooms["rows"].followed_by(old.items_.rows.astype(kind, copy=False), items.rows)
        other.items_ = _unchecked(rows, joined_things(self, old.items_.things, items.things))
        other.reach_ = max(old.reach_, new.reach_)
        return other

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        items, asked = fitted(self).items_, self._checked(queries)
        keep = checked_keep(keep, len(self))
        barred, k = self.gone_ if keep is None else self.gone_ | ~keep, min(self.k, len(self))
        found = [each for start in range(0, len(asked), _GROUP) for each in self._candidates(asked[start : start + _GROUP], barred, k)]
        rows, scores = self._scored(asked, found, k)
        return best(scores, k, rows=rows, queries=queries.things, items=items.things)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        rows = checked_candidates(rows, len(queries), len(self))
        asked, scores = self._checked(queries), np.full(rows.shape, -np.inf, np.float32)
        for query, wanted, line in zip(asked, rows, scores):
            line[wanted >= 0] = self._products(query, wanted[wanted >= 0])
        return scores

    def _candidates(self, queries: np.ndarray, barred: np.ndarray, k: int) -> list[np.ndarray]:
        """For each query float32 [q, d] the rows that may be among its k best, rising."""
        live = np.flatnonzero(~barred)
        if not k or not len(live):
            return [live[:0]] * len(queries)
        held, open_ = (self.codes_, self.steps_, self.slacks_), barred
        if len(live) * 4 < len(self):  # gathering a few rows costs less than passing by the others
            held, open_ = tuple(each[live] for each in held), np.zeros(len(live), np.bool_)
        norms = np.linalg.norm(queries.astype(np.float64), axis=1)
        codes, steps, rests = _encoded_queries(queries)
        extras = (rests + 1e-6 * norms) * self.reach_  # the second part covers the rounding of scores to float32
        parts = _in_parts(lambda part: _scanned(*(each[part] for each in held), open_[part], codes, steps, norms, extras, k), len(open_))
        found = [_joined(query, parts) for query in range(len(queries))]
        return [live if rows is None else rows if open_ is barred else live[rows] for rows in found]

    def _scored(self, queries: np.ndarray, found: list[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
        """The candidates of each query side by side, padded, and their exact scores: [q, c], c >= k."""
        pairs = [_first(rows, self._products(query, rows), k) for query, rows in zip(queries, found)]
        width = max([k, *(len(rows) for rows, _ in pairs)])
        all_rows, all_scores = np.full((len(pairs), width), -1, np.int32), np.full((len(pairs), width), -np.inf, np.float32)
        for place, (rows, scores) in enumerate(pairs):
            all_rows[place, : len(rows)], all_scores[place, : len(rows)] = rows, scores
        return all_rows, all_scores

    def _products(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Exact scores of these rows, read block by block."""
        held = self.items_.rows  # type: ignore[union-attr]
        blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
        parts = [products(held[block].astype(np.float32, copy=False), query) for block in blocks]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _checked(self, queries: Vectors) -> np.ndarray:
        check_table(self, queries, Vectors)
        check_dim(self, self.items_.dim, queries.dim)  # type: ignore[union-attr]
        return np.ascontiguousarray(queries.rows, np.float32)


def _unchecked(rows: np.ndarray, things: Catalog | None) -> Vectors:
    """Rows that were checked when they came, some after the others."""
    vectors = object.__new__(Vectors)
    vectors.rows, vectors.things = rows, things
    return vectors


def _in_parts(scan_part: Callable[[slice], tuple[np.ndarray, np.ndarray]], size: int) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """(first row, rows, counts) of each part of the items: the memory of a large table is read by all cores at once."""
    count = min(cores(), MOST_THREADS, 1 + size // ROWS_A_THREAD)
    edges = np.linspace(0, size, count + 1).astype(int).tolist()
    parts = [slice(low, high) for low, high in pairwise(edges)]
    return [(part.start, *found) for part, found in zip(parts, in_threads(scan_part, parts))]


def _scanned(codes: np.ndarray, steps: np.ndarray, slacks: np.ndarray, barred: np.ndarray, *query: Any) -> tuple[np.ndarray, np.ndarray]:
    """What `scan` leaves of some rows: int32 [q, room], and how many of them each query, int64 [q]."""
    *rest, k = query
    room = min(len(codes), _room(k))
    rows, counts = np.empty((len(rest[0]), room), np.int32), np.zeros(len(rest[0]), np.int64)
    scan(codes, steps, slacks, barred, *rest, k, rows, counts)
    return rows, counts


def _joined(query: int, parts: list[tuple[int, np.ndarray, np.ndarray]]) -> np.ndarray | None:
    """The candidates that the parts left for a query, rising; None where one of them had no room."""
    if any(counts[query] < 0 for _, _, counts in parts):
        return None
    return np.concatenate([start + rows[query, : counts[query]] for start, rows, counts in parts])


def _room(k: int) -> int:
    """Candidates held for a query; where more are left, it is scored against all rows."""
    return max(8 * k, 4096)


def _first(rows: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """These rows and their scores, or the k best of them when they are more than a query has room for."""
    if len(rows) <= _room(k):
        return rows, scores
    hits = best(scores[None], k, rows=rows[None], queries=None, items=None)
    return hits.rows[0], hits.scores[0]


def _encoded(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Codes, steps and slacks of rows, block by block, and how far the longest reaches."""
    codes, steps, slacks = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    reach = 0.0
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = np.ascontiguousarray(rows[part], np.float32)
        reach = max(reach, encode(block, codes[part], steps[part], slacks[part]))
    return codes, steps, slacks, reach


def _encoded_queries(queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries as int16 codes [q, d], float64 steps [q], and the length [q] of what the codes leave over.

    The largest code is such that the product with any item's codes fits into 32 bits.
    """
    most = min(32_767, (2**31 - 1) // (127 * max(queries.shape[1], 1)))
    wide = queries.astype(np.float64)
    steps = np.maximum(np.abs(wide).max(axis=1, initial=0), 1e-300) / most
    codes = np.rint(wide / steps[:, None])
    return codes.astype(np.int16), steps, np.linalg.norm(wide - codes * steps[:, None], axis=1)
