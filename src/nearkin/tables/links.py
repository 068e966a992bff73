"""Pairs of things with weight, time, kind and text: clicks, judgements, edges and matches are all links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput, ShapeError, listed
from nearkin.tables.catalog import Catalog


class Links:
    """`left_rows`, `right_rows`: int32 [m], rows of the catalogues `left` and `right` (which may be one and the same).

    weight: float32 [m], 1 when not given; time: int64 [m] (seconds or positions, only the order matters) or None;
    kind, text: Arrow strings [m] or None. Refused: rows outside the catalogues, lengths that differ, weights that are not finite.
    """

    def __init__(
        self,
        left: Catalog,
        right: Catalog,
        left_rows: np.ndarray,
        right_rows: np.ndarray,
        *,
        weight: np.ndarray | None = None,
        time: np.ndarray | None = None,
        kind: pa.Array | None = None,
        text: pa.Array | None = None,
    ) -> None:
        self.left, self.right = left, right
        self.left_rows = _checked(left_rows, left, "left")
        self.right_rows = _checked(right_rows, right, "right")
        self.weight = np.ones(len(self.left_rows), np.float32) if weight is None else np.asarray(weight, np.float32)
        self.time = None if time is None else np.asarray(time, np.int64)
        self.kind, self.text = kind, text
        for name in ("right_rows", "weight", "time", "kind", "text"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.left_rows):
                raise ShapeError(f"{len(self.left_rows)} links, but {len(values)} values of {name}")
        if not np.isfinite(self.weight).all():
            raise ShapeError(f"link {int(np.argmin(np.isfinite(self.weight)))} has a weight that is not finite")

    @classmethod
    def of_ids(cls, left: Catalog, right: Catalog, pairs: Iterable[tuple[str, str]], **more: Any) -> Self:
        """From pairs of ids; an id that its catalogue lacks is refused with its name."""
        pairs = list(pairs)
        return cls(left, right, left.rows_of(a for a, _ in pairs), right.rows_of(b for _, b in pairs), **more)

    @classmethod
    def interactions(
        cls,
        users: Catalog,
        items: Catalog,
        user_ids: pa.Array,
        item_ids: pa.Array,
        *,
        time: np.ndarray | None = None,
        weight: np.ndarray | None = None,
    ) -> Self:
        """What people did: users x items, kept in order of user, then time (then as given)."""
        left, right = users.rows_of(user_ids), items.rows_of(item_ids)
        order = np.lexsort((np.arange(len(left)), np.zeros(len(left)) if time is None else time, left))
        return cls(
            users,
            items,
            left[order],
            right[order],
            time=None if time is None else np.asarray(time)[order],
            weight=None if weight is None else np.asarray(weight)[order],
        )

    @classmethod
    def qrels(cls, queries: Catalog, items: Catalog, judgements: Iterable[tuple[str, str, float]]) -> Self:
        """Relevance judgements: (query id, item id, grade); grade 0 means judged and not relevant."""
        rows = list(judgements)
        negative = [(query, item) for query, item, grade in rows if grade < 0]
        if negative:
            raise BadInput(f"grades must not be negative; they are for {listed(negative)}")
        return cls.of_ids(
            queries, items, ((query, item) for query, item, _ in rows), weight=np.array([grade for *_, grade in rows], np.float32)
        )

    @classmethod
    def edges(cls, things: Catalog, pairs: Iterable[tuple[str, str]], kind: Sequence[str] | None = None) -> Self:
        """Directed edges of a graph over one catalogue."""
        return cls.of_ids(things, things, pairs, kind=None if kind is None else pa.array(kind, pa.string()))

    @classmethod
    def matches(cls, left: Catalog, right: Catalog, pairs: Iterable[tuple[str, str]], score: np.ndarray | None = None) -> Self:
        """Pairs that are the same thing, with how sure that is."""
        return cls.of_ids(left, right, pairs, weight=score)

    def __len__(self) -> int:
        return len(self.left_rows)

    def __repr__(self) -> str:
        return f"Links({len(self):,}: {len(self.left):,} left, {len(self.right):,} right)"

    def take(self, which: np.ndarray) -> Self:
        """The links at these positions, or where this mask is true; the catalogues stay."""
        which = np.flatnonzero(which) if which.dtype == bool else which
        chosen = pa.array(which)
        return type(self)(
            self.left,
            self.right,
            self.left_rows[which],
            self.right_rows[which],
            weight=self.weight[which],
            time=None if self.time is None else self.time[which],
            kind=None if self.kind is None else self.kind.take(chosen),
            text=None if self.text is None else self.text.take(chosen),
        )

    def reversed(self) -> Self:
        """Right to left."""
        return type(self)(
            self.right, self.left, self.right_rows, self.left_rows, weight=self.weight, time=self.time, kind=self.kind, text=self.text
        )

    def by_left(self) -> tuple[np.ndarray, np.ndarray]:
        """Right rows grouped by left row: int64 offsets [len(left) + 1] and int32 rows [m]; the order within a group is kept."""
        order = np.argsort(self.left_rows, kind="stable")
        counts = np.bincount(self.left_rows, minlength=len(self.left))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), self.right_rows[order]

    def histories(self) -> Catalog:
        """The left catalogue with a field `history`: the right ids of each thing, in the order of the links."""
        offsets, rows = self.by_left()
        ids = self.right.ids.take(pa.array(rows))
        column = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), ids)
        return self.left.with_fields({"history": "history"}, history=column)

    def pairs(self) -> list[tuple[str, str]]:
        """The links as pairs of ids."""
        left, right = self.left.ids.take(pa.array(self.left_rows)), self.right.ids.take(pa.array(self.right_rows))
        return list(zip(left.to_pylist(), right.to_pylist(), strict=True))

    def to_arrow(self) -> pa.Table:
        """Columns left, right (ids), weight, and time, kind, text where there are such."""
        columns: dict[str, Any] = {
            "left": self.left.ids.take(pa.array(self.left_rows)),
            "right": self.right.ids.take(pa.array(self.right_rows)),
        }
        more = {"weight": self.weight, "time": self.time, "kind": self.kind, "text": self.text}
        return pa.table(columns | {name: values for name, values in more.items() if values is not None})

    def split(self, by: Literal["last", "time", "cold", "random"], *, valid: float = 0.1, test: float = 0.1, seed: int = 0) -> Split:
        """Train, validation and test, each over the same catalogues.

        last: of each left thing its last link tests and its last but one validates (links must be in order); a thing with fewer than
        three links only trains. time: the newest share `test` tests, the next newest share `valid` validates; links of one moment
        stay together. cold: a random share of the right things is held out with all its links. random: a random share of the links.
        """
        group = {"last": _last, "time": _by_time, "cold": _cold, "random": _random}[by](self, valid, test, np.random.default_rng(seed))
        return Split(self.take(group == 0), self.take(group == 1), self.take(group == 2))


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the same links."""

    train: Links
    valid: Links
    test: Links

    def test_histories(self) -> Catalog:
        """What is known of each left thing when its test link is asked for: training and validation links, in order.

        Leaving the validation link out is a common mistake that costs a third of the recall on next-item data.
        """
        known = Links(
            self.train.left,
            self.train.right,
            np.concatenate([self.train.left_rows, self.valid.left_rows]),
            np.concatenate([self.train.right_rows, self.valid.right_rows]),
        )
        return known.histories()

    def check_leaks(self) -> None:
        """Refuse parts that share a link (same pair and same time); repeats at another time are no leak."""
        seen: set[tuple[int, ...]] = set()
        for part in (self.train, self.valid, self.test):
            columns = [part.left_rows, part.right_rows] + ([part.time] if part.time is not None else [])
            rows = set(map(tuple, np.stack(columns, 1).tolist()))
            if rows & seen:
                raise BadInput(f"{len(rows & seen)} links stand in two parts of the split: {listed(sorted(rows & seen))}")
            seen |= rows


def _last(links: Links, _valid: float, _test: float, _random: np.random.Generator) -> np.ndarray:
    if (np.diff(links.left_rows) < 0).any():
        raise BadInput("leave-last-out needs the links of each left thing together and in order; make them with Links.interactions")
    counts = np.bincount(links.left_rows, minlength=len(links.left))
    from_end = np.cumsum(counts)[links.left_rows] - 1 - np.arange(len(links))
    group = np.where(from_end == 0, 2, np.where(from_end == 1, 1, 0))
    return np.where(counts[links.left_rows] >= 3, group, 0)


def _by_time(links: Links, valid: float, test: float, _random: np.random.Generator) -> np.ndarray:
    if links.time is None:
        raise BadInput("a split by time needs links with a time")
    moments = np.sort(links.time)
    start_test = moments[min(int(len(moments) * (1 - test)), len(moments) - 1)]
    start_valid = moments[min(int(len(moments) * (1 - test - valid)), len(moments) - 1)]
    return np.where(links.time >= start_test, 2, np.where(links.time >= start_valid, 1, 0))


def _cold(links: Links, valid: float, test: float, random: np.random.Generator) -> np.ndarray:
    order = random.permutation(len(links.right))
    group = np.zeros(len(links.right), np.int64)
    group[order[: round(len(order) * test)]] = 2
    group[order[round(len(order) * test) : round(len(order) * (test + valid))]] = 1
    return np.asarray(group[links.right_rows])


def _random(links: Links, valid: float, test: float, random: np.random.Generator) -> np.ndarray:
    draw = random.permutation(len(links))
    return np.where(draw < len(links) * test, 2, np.where(draw < len(links) * (test + valid), 1, 0))


def _checked(rows: np.ndarray, things: Catalog, side: str) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise ShapeError(f"{side}_rows are integers [m], got {rows.dtype} {list(rows.shape)}")
    if len(rows) and (rows.min() < 0 or rows.max() >= len(things)):
        raise ShapeError(f"{side}_rows lie in [{rows.min()}, {rows.max()}], but the {side} catalogue has {len(things)} things")
    return np.asarray(rows, np.int32)
