"""A fitted recommender kept in step with a catalogue that changes: what each change costs is what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.indexes.blend import Blend
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.from_history import BlockRecommender, LinearRecommender, copied
from nearkin.indexes.histories import Histories
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.moving_profile import MovingProfile
from nearkin.indexes.popularity import Popularity
from nearkin.tables import Catalog, Links

BY_ID = (Ease, DirectedKnn, ItemKnn, Popularity)  # know an item by what was done with it, and nothing of one that is new


@dataclass(frozen=True, eq=False)
class Following:
    """A model and how it stands to the things of now.

    first: the model over the things it began with; now: over those of now; places: int32 [n], the row of each thing of now, by its id,
    among the first ones; -1: none.
    """

    first: Any
    now: Any
    places: np.ndarray

    @classmethod
    def begin(cls, model: BlockRecommender) -> Self:
        """Over the things that the model knows."""
        assert model.items_ is not None
        return cls(model, model, np.arange(len(model.items_), dtype=np.int32))

    def followed(self, items: Catalog, moved: np.ndarray, fresh: Catalog, whole: Callable[[], Catalog]) -> Self:
        """After a change that moved rows (int32, by the old row; -1: gone) and put fresh things behind, here with their texts.

        `whole` gives all things with their texts, for models that must read them all anew.
        """
        known = self.first.items_.rows_of(fresh.ids, missing="mark")
        places = np.concatenate([self.places[moved >= 0], known])
        step = _Step(items, moved, fresh, whole, places)
        return type(self)(self.first, _followed(self.first, self.now, step), places)


@dataclass(frozen=True, eq=False)
class _Step:
    items: Catalog
    moved: np.ndarray
    fresh: Catalog
    whole: Callable[[], Catalog]
    places: np.ndarray


def _followed(first: Any, now: Any, step: _Step) -> Any:
    if isinstance(first, Blend):
        assert first.parts_ is not None
        assert first.popular_ is not None
        parts = tuple(_followed(*each, step) for each in zip(first.parts_, now.parts_, strict=True))
        popular = np.where(step.places >= 0, first.popular_[step.places], np.float32(0)) if len(first.popular_) else _none(step)
        return copied(first, items_=step.items, parts_=parts, popular_=popular)
    if isinstance(first, ContentProfile):
        return (now if isinstance(now, MovingProfile) else MovingProfile.of(first)).followed(step.items, step.moved, step.fresh)
    if isinstance(first, BY_ID):
        return InRows(model=first, items_=step.items, places=step.places, k=first.k, repeats=getattr(first, "repeats", False))
    return first.for_items(step.whole())


def _none(step: _Step) -> np.ndarray:
    return np.zeros(len(step.places), np.float32)


@dataclass(kw_only=True, eq=False)
class InRows(LinearRecommender):
    """A model of links answering in the rows of another catalogue; `places`: int32 [n], the model's row of each of its things, or -1."""

    model: BlockRecommender
    items_: Catalog
    places: np.ndarray
    k: int = 10
    repeats: bool = False

    def fit(self, interactions: Links) -> Self:
        model: Any = self.model
        fitted = model.fit(interactions)
        places = np.arange(len(interactions.right), dtype=np.int32)
        return type(self)(model=fitted, items_=interactions.right, places=places, k=self.k, repeats=self.repeats)

    def for_items(self, items: Catalog) -> Self:
        assert self.model.items_ is not None
        places = self.model.items_.rows_of(items.ids, missing="mark")
        return type(self)(model=self.model, items_=items, places=places, k=self.k, repeats=self.repeats)

    def block(self, histories: Histories) -> np.ndarray:
        found = self.model.block(self._asked(histories))
        if not found.shape[1]:
            return np.zeros((len(histories), len(self.places)), np.float32)
        return np.where(self.places >= 0, found[:, self.places], np.float32(0))

    def _asked(self, histories: Histories) -> Histories:
        """In the rows of the model; what it does not know is left out, but has taken a step."""
        rows = self.places[histories.rows]
        counts = np.concatenate([[0], np.cumsum(rows >= 0)])
        return Histories(counts[histories.offsets], rows[rows >= 0], histories.ages[rows >= 0], histories.ids)
