"""Posting lists with a weighting: all that a search reads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from nearkin.indexes.posting_lists import PostingLists
from nearkin.indexes.weightings import Weighting, lacking
from nearkin.kernels import posting_lists as list_kernels
from nearkin.kernels import postings
from nearkin.kernels.addresses import address_of
from nearkin.kernels.posting_lists import RANGE
from nearkin.tables import SparseVectors

LEVELS = (10, 100, 1000)  # for each term the gain that so many of its items reach is kept
QUERIES_A_THREAD = 64
_EVERY = np.empty(0, np.bool_)


class Floors(NamedTuple):
    """For each term (the last ones may be missing) the gains that LEVELS of its items reach when items are `mean` long."""

    gains: np.ndarray  # float32 [v, levels], 0 where a term has fewer items
    mean: float


class WeighedLists:
    """Lists, how rare each term is, and what each pair (count, length) gains at the present mean length.

    score = shift + sum over the query's terms of (query value * rarity) * gain, in float32, the rarest first.

    Searches go by the codes at first. Before more postings are read than there are, the gains are laid out beside the codes (4 bytes a
    posting), which reads 10 to 40 % faster; both give the same bits. So after an update or a load no posting is weighed for a few queries.
    """

    def __init__(self, lists: PostingLists, weighting: Weighting, floors: Floors | None = None) -> None:
        self.lists, self.weighting = lists, weighting
        live = lists.lengths[lists.lengths >= 0]
        self.mean = max(float(live.mean(dtype=np.float64)) if len(live) else 0, 1e-300)
        rarity = np.where(lists.held_by > 0, weighting.rarity(np.maximum(lists.held_by, 1), max(len(live), 1)), 0)
        self.rarity = rarity.astype(np.float32)
        self.lacks = (rarity * lacking(weighting)).astype(np.float32)
        self.table = self._gains(lists.pairs[:, 0], lists.pairs[:, 1], self.mean)
        self._dead = np.array(lists.dead)  # a read-only memory map would have the search compiled anew
        self.unread = lists.size
        self._lay_out(None if lists.coded else self._gains_beside())
        self.floors = self._first_floors() if floors is None else self._moved(floors)
        self._room = threading.local()

    def search(self, queries: SparseVectors, keep: np.ndarray | None, k: int, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """The k best of each query: rows int32 [q, k], -1 where there are fewer, and scores float32 [q, k]."""
        if self.unread > 0:
            self._will_read(int(self.lists.held_by[queries.columns].sum()))
        rows, scores = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
        held = (self.rarity, self.lacks, self.floors, self._level(k, keep), self.addresses, self.table, self._dead)
        keep = _EVERY if keep is None else keep

        def part(first: int, last: int) -> None:
            own = (queries.offsets[first : last + 1], queries.columns, queries.values)
            postings.search(*own, *held, keep, k, *self._space(), rows[first:last], scores[first:last])

        count = min(threads, 1 + len(queries) // QUERIES_A_THREAD)
        if count == 1:
            part(0, len(queries))
            return rows, scores
        edges = np.linspace(0, len(queries), count + 1).astype(int).tolist()
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(part, edges[:-1], edges[1:]))
        return rows, scores

    def score(self, queries: SparseVectors, rows: np.ndarray) -> np.ndarray:
        """The scores of given items: int64 [q, c] -> float32 [q, c]."""
        scores = np.empty(rows.shape, np.float32)
        own = (queries.offsets, queries.columns, queries.values)
        postings.score(*own, self.rarity, self.lacks, self.addresses, self.table, rows, scores)
        return scores

    def _gains(self, counts: np.ndarray, lengths: np.ndarray, mean: float) -> np.ndarray:
        """float32, of counts in items of these lengths."""
        gained = self.weighting.gain(counts.astype(np.float64), np.maximum(lengths, 0).astype(np.float64) / mean) - lacking(self.weighting)
        return gained.astype(np.float32)

    def _gains_beside(self) -> list[np.ndarray]:
        """The gain of each posting, range by range."""
        if self.lists.coded:
            return [self.table[each.values] for each in self.lists.ranges]
        parts = [self.lists.lengths[start : start + RANGE] for start in range(0, len(self.lists), RANGE)]
        return [self._gains(each.values, part[each.places], self.mean) for each, part in zip(self.lists.ranges, parts, strict=True)]

    def _lay_out(self, gains: list[np.ndarray] | None) -> None:
        """Tell the kernels where everything lies; arrays that are not held by the lists are held here."""
        values = [each.values for each in self.lists.ranges] if gains is None else gains
        self._held = gains
        table = np.empty((len(values), 6), np.int64)
        for number, (each, beside) in enumerate(zip(self.lists.ranges, values, strict=True)):
            size = min(len(self.lists) - number * RANGE, RANGE)
            where = [address_of(array) for array in (each.offsets, each.places, beside)]
            table[number] = where[0], len(each.offsets) - 1, where[1], where[2], beside.itemsize, size
        self.addresses = table

    def _will_read(self, postings_read: int) -> None:
        self.unread -= postings_read
        if self.unread <= 0 and self._held is None:
            self._lay_out(self._gains_beside())

    def _level(self, k: int, keep: np.ndarray | None) -> int:
        """The level whose floor k items that may be hits reach; -1: none. Removed items may be among those counted."""
        wanted = k + len(self.lists.dead)
        return -1 if keep is not None else next((place for place, level in enumerate(LEVELS) if wanted <= level), -1)

    def _first_floors(self) -> np.ndarray:
        return list_kernels.largest(self.addresses, np.array(self.lists.held_by), LEVELS, self.table)  # type: ignore[no-any-return]

    def _moved(self, floors: Floors) -> np.ndarray:
        """Floors that hold at the present mean length: those of then, times the most that the gain of any pair fell."""
        gains = np.zeros((len(self.rarity), len(LEVELS)), np.float32)
        gains[: len(floors.gains)] = floors.gains
        if floors.mean == self.mean or not len(self.table):
            return gains
        then = self._gains(self.lists.pairs[:, 0], self.lists.pairs[:, 1], floors.mean)
        some = then > 0
        fell = np.min(self.table[some].astype(np.float64) / then[some], initial=1.0)
        return gains * np.float32(fell * (1 - 1e-6))  # less a little, for the rounding

    def _space(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums of a range and room for what is found, once a thread; every search leaves the sums as zeros."""
        if not hasattr(self._room, "space"):
            self._room.space = np.zeros(RANGE, np.float32), np.empty(RANGE, np.uint64)
        return self._room.space  # type: ignore[no-any-return]
