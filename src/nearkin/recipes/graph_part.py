"""The dense part of a log that graph recommenders are compared on, and its people's texts: what `rlmrec` and `easyrec` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nearkin.errors import BadInput
from nearkin.metrics import next_item
from nearkin.recipes.contract import Measured
from nearkin.tables import Catalog, Data, Hits, Links, best, unit


@dataclass(frozen=True)
class Part:
    """Links that train, validate and test, over one catalogue of people and one of items."""

    train: Links
    valid: Links
    test: Links

    @cached_property
    def known(self) -> Links:
        """What is known of people when the test link is asked for: training links, then validation links."""
        sides = [np.concatenate([getattr(self.train, side), getattr(self.valid, side)]) for side in ("left_rows", "right_rows")]
        return Links(self.train.left, self.train.right, *sides)

    @cached_property
    def asked(self) -> Catalog:
        """Who is asked for the next item, with all that is known of them, one a test link."""
        return self.known.histories().take(self.test.left_rows)


def dense_part(data: Data, core: int) -> Part:
    """The people and items that have `core` training links at least among themselves; held-out links between them stay.

    By training links alone, so that nothing held out chooses what is measured. `core` 0: all. Refused: a core that is empty.
    """
    split = data.need("interactions").interactions.split("last")  # type: ignore[union-attr]
    if not core:
        return Part(split.train, split.valid, split.test)
    inside = _core(split.train, core)
    people, items = np.unique(split.train.left_rows[inside]), np.unique(split.train.right_rows[inside])
    if not len(people):
        raise BadInput(f"nobody in {data.name} has {core} training links to items that as many have; lower the core")
    sides = (split.train.left.take(people), split.train.right.take(items))
    return Part(*(_between(each, people, items, sides) for each in (split.train.take(inside), split.valid, split.test)))


def _core(links: Links, least: int) -> np.ndarray:
    """Which links are left when people and items with fewer than `least` are taken out until none is: bool [m]."""
    kept = np.ones(len(links), bool)
    while True:
        people = np.bincount(links.left_rows[kept], minlength=len(links.left)) >= least
        items = np.bincount(links.right_rows[kept], minlength=len(links.right)) >= least
        fewer = kept & people[links.left_rows] & items[links.right_rows]
        if fewer.sum() == kept.sum():
            return kept
        kept = fewer


def _between(links: Links, people: np.ndarray, items: np.ndarray, sides: tuple[Catalog, Catalog]) -> Links:
    """The links between these people and items, in the rows of their own catalogues."""
    there = links.take(np.isin(links.left_rows, people) & np.isin(links.right_rows, items))
    rows = (np.searchsorted(people, there.left_rows), np.searchsorted(items, there.right_rows))
    return Links(*sides, *rows, weight=there.weight, time=there.time)


def by_cosine(part: Part, people: np.ndarray, items: np.ndarray) -> Hits:
    """Vectors of people, one a row of the catalogue, searched among those of items by cosine; what someone had is no hit."""
    scores = unit(np.asarray(people, np.float32)[part.test.left_rows]) @ unit(np.asarray(items, np.float32)).T
    offsets, had = part.asked.history_rows(part.train.right)
    scores[np.repeat(np.arange(len(scores)), np.diff(offsets)), had] = -np.inf
    return best(scores, 21, queries=part.asked, items=part.train.right)


def measured(lists: Mapping[str, Hits], targets: np.ndarray) -> list[Measured]:
    """Each list by Recall@20, which decides, and by NDCG@20, Recall@10 and NDCG@10."""
    kinds = (("Recall@20", next_item.recall, 20), ("NDCG@20", next_item.ndcg, 20), ("Recall@10", next_item.recall, 10))
    return [
        Measured(metric=metric, values={name: of(hits, targets, at=at) for name, hits in lists.items()}, decides=metric == "Recall@20")
        for metric, of, at in (*kinds, ("NDCG@10", next_item.ndcg, 10))
    ]
