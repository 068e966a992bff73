"""What a collection has learned beside its branches: loaded when first used, and kept until it is learned anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nearkin.collection.layout import Layout
from nearkin.collection.manifest import Manifest
from nearkin.collection.recommending import fit_recommender, followed
from nearkin.collection.relevance import Relevance
from nearkin.collection.snapshot import Snapshot
from nearkin.collection.texts import searchable
from nearkin.stage import Stage
from nearkin.tables import Catalog

if TYPE_CHECKING:
    from nearkin.indexes.following import Following


@dataclass(eq=False)
class Learned:
    """The recommender (and the things it stands for), the relevance and the layout, each None until it is asked for or given."""

    place: Path
    recommender: Following | None = None
    recommends_for: Snapshot | None = None
    relevance: Relevance | None = None
    layout: Layout | None = None

    def recommender_for(self, manifest: Manifest, snapshot: Snapshot) -> Any:
        """The recommender over the things of this snapshot; by content alone where the manifest names none."""
        if self.recommender is None:
            from nearkin.indexes.following import Following

            model = self._fitted_recommender(manifest, snapshot)
            self.recommender = Following.begin(_over(model, searchable(snapshot.catalog)))
        elif self.recommends_for is not snapshot:
            assert self.recommends_for is not None
            self.recommender = followed(self.recommender, self.recommends_for, snapshot)
        self.recommends_for = snapshot
        return self.recommender.now

    def _fitted_recommender(self, manifest: Manifest, snapshot: Snapshot) -> Any:
        if manifest.recommend:
            return self._load(manifest.stages[manifest.recommend])
        return fit_recommender(snapshot.catalog, None, next(iter(snapshot.branches.values())).encoder)

    def relevance_for(self, manifest: Manifest) -> Relevance | None:
        """What was calibrated, whatever branches it was learned with; None: never."""
        name = manifest.stages.get("relevance")
        if self.relevance is None and name is not None:
            self.relevance = self._load(name)  # type: ignore[assignment]
        return self.relevance

    def layout_for(self, manifest: Manifest, snapshot: Snapshot) -> Layout | None:
        """The map of the things of this snapshot; None when it was never drawn."""
        if "layout" not in manifest.stages:
            return None
        if self.layout is None:
            loaded = self._load(manifest.stages["layout"])
            assert isinstance(loaded, Layout)
            self.layout = loaded
        if not np.array_equal(self.layout.seqs, snapshot.seqs):
            self.layout = self.layout.moved_to(snapshot.catalog, snapshot.seqs, snapshot.placed)
        return self.layout

    def _load(self, folder: str) -> Stage:
        return Stage.load(self.place / "stages" / folder)

    def forget_recommender(self) -> None:
        """Another one recommends from now on."""
        self.recommender = self.recommends_for = None

    def forget_what_changed(self, before: Manifest, now: Manifest) -> None:
        """Drop what the manifest of now names otherwise than the one before."""
        if not now.recommends_as(before):
            self.forget_recommender()
        if now.stages.get("relevance") != before.stages.get("relevance"):
            self.relevance = None
        if now.stages.get("layout") != before.stages.get("layout"):
            self.layout = None


def _over(model: Any, things: Catalog) -> Any:
    """The recommender over these things: itself where it knows exactly them, in this order and with these texts."""
    return model if model.items_.table.equals(things.table) else model.for_items(things)
