"""Fitting the stages of a collection: what it searches and recommends with unless told otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from nearkin.collection.branch import Branch
from nearkin.collection.manifest import Manifest
from nearkin.collection.recommending import behaviour, fit_recommender
from nearkin.collection.snapshot import DEPTH
from nearkin.collection.store import Store
from nearkin.stage import Encoder, Index, Stage
from nearkin.tables import Catalog, Links

Progress = Callable[[str], None]
DEFAULT_WEIGHTS = (0.75, 0.25)  # words, meaning: best on the training queries of SciFact, not worse than words on four collections

EXACT_UP_TO = 50_000  # things; above, an exact scan takes longer than all the rest of a search


def quiet(_message: str) -> None:
    """Say nothing."""


def default_branches(size: int = 0, encoder: Encoder | None = None, recall: float = 0.98) -> dict[str, tuple[Encoder, Index]]:
    """Words (BM25) and meaning (this encoder, or the shipped static model, which needs neither torch nor a download).

    Meaning is searched exactly, or, where there are many things, by short codes to this recall.
    """
    from nearkin.encoders.bag_of_words import BagOfWords
    from nearkin.encoders.static_words import StaticWords
    from nearkin.indexes.flat_index import FlatIndex
    from nearkin.indexes.inverted_index import InvertedIndex

    index: Index = FlatIndex()
    if size > EXACT_UP_TO:
        from nearkin.indexes.lean_index import LeanIndex

        index = LeanIndex(k=DEPTH, recall=recall)
    return {"words": (BagOfWords(), InvertedIndex()), "meaning": (encoder or StaticWords(), index)}


def fit_stages(place: Path, manifest: Manifest, chosen: Mapping[str, tuple[Any, Any]], say: Progress) -> None:
    """Fit all stages on the newest catalogue and write them; then, in one step, name them in the manifest.

    A crash before that step leaves the old stages in use and folders that nobody names, which the next fit removes.
    """
    store = Store(place, manifest.roles)
    catalog, seqs = store.read()
    state = State(store.version, catalog, seqs, store.read_links(catalog, edges=manifest.edges))
    _, fitted = fitted_stages(place, manifest, chosen, state, say)
    name_stages(place, replace(manifest, stages=fitted, recommend="recommend" if "recommend" in fitted else ""))


class State(NamedTuple):
    """What stages are fitted on."""

    version: int
    catalog: Catalog
    seqs: np.ndarray
    links: Links | None


def fitted_stages(
    place: Path, manifest: Manifest, chosen: Mapping[str, tuple[Any, Any]], state: State, say: Progress
) -> tuple[dict[str, Branch], dict[str, str]]:
    """Fit all stages and write them to folders that nobody names yet. Gives the branches, and stage -> folder."""
    mark, fitted, branches = f"{state.version}-{uuid4().hex[:6]}", {}, {}
    for name, (encoder, index) in chosen.items():
        say(f"fitting {name}")
        fitted[name] = f"{name}-{mark}"
        branches[name] = Branch.built(encoder, index, state.catalog, state.seqs)
        branches[name].save(place / "stages" / fitted[name])
    if state.links is not None and branches:  # words come first: measured better than meaning as the content part of the blend
        say("fitting recommend")
        fitted["recommend"] = f"recommend-{mark}"
        tuned: Any = Stage.load(place / "stages" / manifest.stages["recommend"]) if manifest.tuned else None
        learn = tuned.fit if tuned is not None else None
        first = next(iter(branches.values())).encoder
        model = learn(behaviour(state.catalog, state.links)) if learn else fit_recommender(state.catalog, state.links, first)
        model.save(place / "stages" / fitted["recommend"])
    return branches, fitted


def name_stages(place: Path, manifest: Manifest) -> None:
    """Put this manifest in the place of the one before, and remove the stages that it does not name."""
    manifest.write(place)
    _remove_unnamed(place / "stages", set(manifest.stages.values()))


def _remove_unnamed(stages: Path, named: set[str]) -> None:
    for folder in stages.iterdir():
        if folder.name not in named:
            shutil.rmtree(folder, ignore_errors=True)
