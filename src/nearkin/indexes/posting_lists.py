"""What an inverted index holds of its items, before any weight: for each term the items that hold it, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np

from nearkin.kernels import posting_lists as kernel
from nearkin.kernels.list_merge import count_held, merge
from nearkin.kernels.posting_lists import RANGE
from nearkin.kernels.threads import in_threads
from nearkin.tables import SparseVectors

MOST_CODES = 1 << 16
MOST_CELLS = 1 << 24  # of the table from (length, count) to code
MANY_DEAD = 1 / 16  # share of removed items from which on they are taken out of the lists


class Range(NamedTuple):
    """The lists of 65,536 items or, at the end, fewer: term t owns `places[offsets[t]:offsets[t + 1]]`, rising, and as many values."""

    offsets: np.ndarray  # uint32 [terms + 1]; terms that came later have no items here
    places: np.ndarray  # uint16 [postings]: the item, counted from the first of the range
    values: np.ndarray  # uint8 or uint16: code of a pair (count, length); float32: the count itself


@dataclass(frozen=True, eq=False)
class PostingLists:
    """Lists in ranges, with a code book of the pairs (count, length of the item) that occur, of which there are a few thousand at most.

    Nothing in it depends on how many items there are or how long they are on average, so items added cost the last range and no other, and
    items removed are only noted (`dead`) until they are a sixteenth of all. Counts that are no integers, or make more than 65,536
    pairs, are kept as they are, in float32, and `pairs` is empty.
    """

    ranges: tuple[Range, ...]
    pairs: np.ndarray  # float32 [codes, 2]: count, length
    lengths: np.ndarray  # float32 [n]: the sum of the counts of each item; -1: removed
    held_by: np.ndarray  # int64 [v]: how many items hold each term, removed ones left out
    dead: np.ndarray  # int64, rising: removed items that still stand in the lists

    @classmethod
    def of(cls, items: SparseVectors) -> Self:
        nothing = cls((), np.empty((0, 2), np.float32), np.empty(0, np.float32), np.zeros(items.dim, np.int64), np.empty(0, np.int64))
        return nothing.with_more(items)

    def with_more(self, items: SparseVectors) -> Self:
        """These lists and, behind them, those of other items over the same terms or more. Cost: the last range and the new items."""
        lengths = sums(items)
        coded = self._coded(items, lengths)
        if coded is None:
            return self._uncoded()._joined(items, lengths, self.pairs[:0], None)
        return self._joined(items, lengths, *coded)

    def without(self, rows: np.ndarray) -> Self:
        """These lists with some items removed. Cost: one reading of the ranges they lie in, or one copy when many are gone."""
        rows = np.unique(rows)
        rows = rows[self.lengths[rows] >= 0]
        lengths, held_by = self.lengths.copy(), self.held_by.copy()
        lengths[rows] = -1
        for number, gone in _by_range(rows):
            offsets, places, _ = map(_own, self.ranges[number])
            held = np.zeros(len(offsets) - 1, np.int64)
            count_held(offsets, places, gone, held)
            held_by[: len(held)] -= held
        other = replace(self, lengths=lengths, held_by=held_by, dead=np.union1d(self.dead, rows))
        return other._cleared() if len(other.dead) > max(MANY_DEAD * len(lengths), 64) else other

    def arrays(self) -> dict[str, Any]:
        """All of it as plain arrays."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """What `arrays` gave, memory maps as they are."""
        return cls(**{**arrays, "ranges": tuple(Range(*each) for each in arrays["ranges"])})

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def coded(self) -> bool:
        """Whether values are codes."""
        return bool(len(self.pairs)) or not any(len(each.values) for each in self.ranges)

    @property
    def size(self) -> int:
        """Postings, those of removed items among them."""
        return sum(len(each.places) for each in self.ranges)

    def counts(self, number: int) -> np.ndarray:
        """The counts of a range, float32."""
        values = self.ranges[number].values
        return values if values.dtype == np.float32 else self.pairs[values, 0]

    def _cleared(self) -> Self:
        ranges = list(self.ranges)
        for number, gone in _by_range(self.dead):
            ranges[number] = _without(ranges[number], gone)
        return replace(self, ranges=tuple(ranges), dead=self.dead[:0])

    def _uncoded(self) -> Self:
        ranges = [each._replace(values=self.counts(number)) for number, each in enumerate(self.ranges)]
        return replace(self, ranges=tuple(ranges), pairs=self.pairs[:0])

    def _coded(self, items: SparseVectors, lengths: np.ndarray) -> tuple[np.ndarray, Any] | None:
        """The pairs with those of these items behind, and (kind of length a row, code of each length and count); None if too many."""
        kinds_known = np.unique(np.concatenate([self.pairs[:, 1], lengths]))
        most = int(max(items.values.max(initial=0), self.pairs[:, 0].max(initial=0)))
        if not self.coded or len(kinds_known) * (most + 1) > MOST_CELLS or (items.values != np.trunc(items.values)).any():
            return None
        kinds = np.searchsorted(kinds_known, lengths)
        codes = np.full((len(kinds_known), most + 1), -1, np.int32)
        codes[np.searchsorted(kinds_known, self.pairs[:, 1]), self.pairs[:, 0].astype(int)] = np.arange(len(self.pairs))
        kernel.mark_pairs(items.offsets, items.columns, items.values, kinds, codes, -1, -2)
        kind, count = np.nonzero(codes == -2)
        if len(self.pairs) + len(kind) > MOST_CODES:
            return None
        codes[kind, count] = np.arange(len(self.pairs), len(self.pairs) + len(kind))
        new = np.stack([count.astype(np.float32), kinds_known[kind]], axis=1)
        return np.concatenate([self.pairs, new]), (kinds, codes)

    def _joined(self, items: SparseVectors, lengths: np.ndarray, pairs: np.ndarray, coding: Any) -> Self:
        ranges, start = list(self.ranges), -len(self) % RANGE  # so many items still fit into the last range
        if start and len(items):
            ranges[-1] = _both(ranges[-1], _turned(items, 0, min(start, len(items)), coding, len(pairs)), len(self) % RANGE)
        firsts = range(start, len(items), RANGE)
        ranges += in_threads(lambda first: _turned(items, first, min(first + RANGE, len(items)), coding, len(pairs)), firsts)
        held_by = np.bincount(items.columns, minlength=items.dim)
        held_by[: len(self.held_by)] += self.held_by
        return replace(self, ranges=tuple(ranges), pairs=pairs, lengths=np.concatenate([self.lengths, lengths]), held_by=held_by)


def sums(items: SparseVectors) -> np.ndarray:
    """The sum of each row, float32 [n]."""
    owner = np.repeat(np.arange(len(items)), np.diff(items.offsets))
    return np.bincount(owner, items.values, len(items)).astype(np.float32)


def _turned(items: SparseVectors, first: int, last: int, coding: Any, codes: int) -> Range:
    """The lists of some rows; coding None: counts as they are."""
    low, high = items.offsets[first], items.offsets[last]
    offsets = kernel.offsets_of(items.columns, low, high, items.dim)
    places, values = np.empty(high - low, np.uint16), np.empty(high - low, np.float32 if coding is None else np.uint16)
    if coding is None:
        kernel.fill_counts(items.offsets, items.columns, items.values, first, last, offsets.copy(), places, values)
        return Range(offsets, places, values)
    kernel.fill_codes(items.offsets, items.columns, items.values, *coding, first, last, offsets.copy(), places, values)
    return Range(offsets, places, values.astype(np.uint8) if codes <= 256 else values)


def _both(left: Range, right: Range, shift: int) -> Range:
    """The lists of one range and, from item `shift` on, those of another, which may have more terms."""
    kind = np.result_type(left.values, right.values)
    size = len(left.places) + len(right.places)
    both = Range(np.empty(len(right.offsets), np.uint32), np.empty(size, np.uint16), np.empty(size, kind))
    left, right = (each._replace(values=each.values.astype(kind, copy=False)) for each in (left, right))
    merge(*map(_own, left), *right, np.uint16(shift), *both)
    return both


def _own(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of a memory map that may not be written: for such the loop would be compiled anew."""
    return array if array.flags.writeable else np.array(array)


def _without(lists: Range, gone: np.ndarray) -> Range:
    """The lists of a range without the items where `gone` (bool [RANGE]) is true."""
    stays = ~gone[lists.places]
    return Range(_running(stays)[lists.offsets].astype(np.uint32), lists.places[stays], lists.values[stays])


def _running(some: np.ndarray) -> np.ndarray:
    """How many are true before each place and before the end: int64 [n + 1]."""
    return np.concatenate([[0], np.cumsum(some)])


def _by_range(rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """For each range that holds some of these rows, its number and which of its items they are, bool [RANGE]."""
    found = []
    for number in np.unique(rows // RANGE).tolist():
        gone = np.zeros(RANGE, np.bool_)
        gone[rows[rows // RANGE == number] % RANGE] = True
        found.append((number, gone))
    return found
