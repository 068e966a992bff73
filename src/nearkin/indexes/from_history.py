"""Answering people from their histories: what all recommenders here share once they can score a block of people."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from nearkin.errors import ShapeError
from nearkin.indexes.histories import Histories
from nearkin.indexes.history_kernels import open_rows
from nearkin.stage import Recommender, fitted
from nearkin.tables import Catalog, Hits, best


class BlockRecommender(Recommender):
    """A recommender that scores all items for a block of people; `repeats` says whether what someone had may be a hit again.

    Only a positive score makes a hit: no evidence, no hit. Cost: the model's blocks, and one pass over the items a person.
    """

    k: int
    repeats: bool
    items_: Catalog | None

    @abstractmethod
    def block(self, histories: Histories, /) -> np.ndarray:
        """Scores of all items: float32 [b, n], 0 where nothing speaks for an item."""

    @abstractmethod
    def for_items(self, items: Catalog, /) -> Self:
        """The same model answering in the rows of another catalogue (one that grew, say), matched by id; nothing is learned anew."""

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        return chosen(self, people, keep, lambda histories, _: self.block(histories))

    def score(self, people: Catalog, rows: np.ndarray) -> np.ndarray:
        items = fitted(self).items_
        assert items is not None
        rows = np.asarray(rows)
        if rows.ndim != 2 or len(rows) != len(people) or rows.max(initial=-1) >= len(items):
            raise ShapeError(
                f"candidates are int [{len(people)}, c], each below {len(items)}; got {list(rows.shape)}, up to {rows.max(initial=-1)}"
            )
        scores = np.empty(rows.shape, np.float32)
        for start, stop, batch in Histories.of(people, items).batches(len(items)):
            scores[start:stop] = np.take_along_axis(self.block(batch), np.maximum(rows[start:stop], 0), 1)
        return np.where(rows >= 0, scores, -np.inf).astype(np.float32)


class LinearRecommender(BlockRecommender):
    """A recommender whose score is the sum of what each item of the history adds."""

    def explain(self, history: Sequence[str], row: int) -> list[tuple[str, float]]:
        """What each item of the history adds to the score of the item at `row`, greatest first."""
        items = fitted(self).items_
        assert items is not None
        histories = Histories.of(Catalog.histories([history]), items)
        return named(items, histories.rows, self.block(histories.single())[:, row])


def chosen(
    model: BlockRecommender,
    people: Catalog,
    keep: np.ndarray | None,
    block: Callable[[Histories, slice], np.ndarray],
    *,
    floor: float = 0.0,
    score: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Hits:
    """The k items of each person that stand highest in `block`, and above the floor.

    block: some people and their place among all -> float32 [b, n]. `score` rises with what a block holds, and is worked out for what
    is kept alone; without it a block holds the scores.
    """
    items = fitted(model).items_
    assert items is not None
    closed = _closed(keep, len(items))
    rows = np.full((len(people), min(model.k, len(items))), -1, np.int32)
    scores = np.full(rows.shape, -np.inf, np.float32)
    for start, stop, batch in Histories.of(people, items).batches(len(items)):
        found, part = block(batch, slice(start, stop)), slice(start, stop)
        rows[part] = shown(model, batch, found, rows.shape[1], closed, floor)
        scores[part] = np.take_along_axis(found, np.maximum(rows[part], 0), 1)
    return best(scores if score is None else score(scores), rows.shape[1], rows=rows, queries=people, items=items)


def shown(
    model: BlockRecommender, histories: Histories, scores: np.ndarray, k: int, closed: np.ndarray | None = None, floor: float = 0.0
) -> np.ndarray:
    """The k best of a block that may be hits: evidence speaks for them, and they were not had before. int32 [b, k], -1: none."""
    closed = np.zeros(scores.shape[1], bool) if closed is None else closed
    had = histories.rows[:0] if model.repeats else histories.rows
    offsets = np.zeros_like(histories.offsets) if model.repeats else histories.offsets
    return open_rows(scores, np.float32(floor), offsets, had, closed, k)


def named(items: Catalog, rows: np.ndarray, shares: np.ndarray) -> list[tuple[str, float]]:
    """Shares by id, greatest first."""
    order = np.argsort(-shares, kind="stable")
    return [(items.ids[int(rows[place])].as_py(), float(shares[place])) for place in order]


def _closed(keep: np.ndarray | None, count: int) -> np.ndarray:
    if keep is None:
        return np.zeros(count, bool)
    keep = np.asarray(keep)
    if keep.dtype != bool or keep.shape != (count,):
        raise ShapeError(f"keep is bool [{count}], one an item; got {keep.dtype} {list(keep.shape)}")
    return ~keep


def copied(model: Any, **learned: Any) -> Any:
    """The same settings with other learned fields."""
    from copy import copy

    other = copy(model)
    for name, value in learned.items():
        object.__setattr__(other, name, value)
    return other
