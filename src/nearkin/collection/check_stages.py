"""Whether the fitted stages are all there, whole, named, and made of the things that the catalogue holds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.collection.branch import Branch
from nearkin.collection.finding import Finding, removed
from nearkin.collection.fitting import default_branches, fit_stages, quiet
from nearkin.collection.manifest import Manifest
from nearkin.collection.relevance import Relevance
from nearkin.collection.texts import TEXT
from nearkin.errors import BadInput, Busy, NearkinError
from nearkin.stage import Stage
from nearkin.stage.settings import read_settings
from nearkin.stage.sums import damaged
from nearkin.tables import Catalog, Links


def check_named(place: Path, manifest: Manifest, seqs: np.ndarray | None) -> list[Finding]:
    """The stages that the manifest names: damaged ones, and search stages of other things than the catalogue's (numbers `seqs`)."""
    found = []
    for name, folder in manifest.stages.items():
        path = place / "stages" / folder
        stage, wrong = _loaded(path)
        if wrong:
            found.append(_damaged(place, manifest, name, path, wrong))
        elif isinstance(stage, Branch):
            found += _silent(name, path, stage) or _stale(name, path, stage, seqs)
    return found


def _silent(name: str, path: Path, branch: Branch) -> list[Finding]:
    """A search stage that loads but does not answer, such as one whose table in another store is gone."""
    try:
        branch(Catalog.of(**{TEXT: ["anything"]}))
    except Busy as error:
        return [Finding(what="store away", where=path, means=f"the stage {name} cannot answer: {error}", repair="none: start the store")]
    except NearkinError as error:
        means = f"the stage {name} cannot answer: {error}"
        return [Finding(what="damaged stage", where=path, means=means, repair="fits the stages anew", refit=True)]
    return []


def check_unnamed(place: Path, manifest: Manifest) -> list[Finding]:
    """Folders of stages that the manifest does not name, and drafts of stages; only while nobody writes are they left-overs."""
    named, found = set(manifest.stages.values()), []
    for path in sorted((place / "stages").iterdir() if (place / "stages").is_dir() else ()):
        draft = path.name.startswith(".")
        if path.name not in named:
            what, means = ("left-over draft", "a writer died over it") if draft else ("orphan stage", "no manifest names it")
            found.append(removed(what, path, f"{means}; it only takes room", partial(remove_path, path)))
    return found


def _loaded(path: Path) -> tuple[Stage | None, str]:
    """The stage, or what is wrong with it."""
    if not path.is_dir():
        return None, "it is gone"
    names = damaged(path)
    if names:
        return None, f"{', '.join(names)} is other than what was written"
    try:
        return Stage.load(path), ""
    except (BadInput, OSError, ValueError, TypeError, LookupError) as error:
        return None, str(error)


def _damaged(place: Path, manifest: Manifest, name: str, path: Path, wrong: str) -> Finding:
    means = f"the stage {name} cannot be used: {wrong}"
    if name in manifest.search and _parts(path, name) is None:
        return Finding(what="damaged stage", where=path, means=f"{means}; it is not known how it was made")
    if name in manifest.search or name == manifest.recommend:
        return Finding(what="damaged stage", where=path, means=means, repair="fits the stages anew", refit=True)
    told = {"layout": "draws the map anew", "relevance": "forgets the calibration; calibrate again"}.get(name, "forgets it")
    return Finding(what="damaged stage", where=path, means=means, repair=told, mend=partial(_forget, place, name))


def _stale(name: str, path: Path, branch: Branch, seqs: np.ndarray | None) -> list[Finding]:
    size = getattr(branch.index, "__len__", lambda: len(branch.seqs))()
    if size != len(branch.seqs):
        means = f"the stage {name} holds {size:,} rows for {len(branch.seqs):,} numbers, so its hits are the wrong things"
        return [Finding(what="stale index", where=path, means=means, repair="fits the stages anew", refit=True)]
    if seqs is None:
        return []
    more, fewer = len(np.setdiff1d(branch.seqs, seqs)), len(np.setdiff1d(seqs, branch.seqs))
    if not more and not fewer:
        return []
    means = f"{more:,} rows of the stage {name} are of things no longer there, {fewer:,} things have no row; each start makes up for it"
    return [Finding(what="stale index", where=path, means=means, repair="fits the stages anew", refit=True)]


def refitted(place: Path) -> tuple[Links | None, bool]:
    """Fit all search stages anew, those that cannot be read from how they were made. Gives what is to be made after: the judgements
    to calibrate with, and whether there was a map. In the hands of the writer."""
    manifest = Manifest.read(place)
    relevance = _loaded(place / "stages" / manifest.stages.get("relevance", "-"))[0]
    lost = manifest.tuned and _loaded(place / "stages" / manifest.stages.get("recommend", "-"))[0] is None
    chosen = {name: _parts(place / "stages" / manifest.stages.get(name, "-"), name) for name in manifest.search}
    unknown = [name for name, parts in chosen.items() if parts is None]
    if unknown:
        raise BadInput(f"it is not known how {', '.join(unknown)} of {place} was made; restore it from a backup, or build it again")
    fit_stages(place, replace(manifest, tuned=manifest.tuned and not lost), chosen, quiet)  # type: ignore[arg-type]
    return relevance.judgements if isinstance(relevance, Relevance) else None, "layout" in manifest.stages


def _parts(path: Path, name: str) -> tuple[Any, Any] | None:
    """The encoder and the index of a search stage: as they are, or made of the settings that were written, or the usual ones."""
    stage, wrong = _loaded(path)
    if isinstance(stage, Branch) and not wrong:
        return stage.encoder, stage.index
    try:
        settings: Mapping[str, Any] = read_settings(path)
        return settings["encoder"], settings["index"]
    except (BadInput, OSError, ValueError, TypeError, LookupError):
        return default_branches().get(name)


def _forget(place: Path, name: str) -> None:
    manifest = Manifest.read(place)
    replace(manifest, stages={each: folder for each, folder in manifest.stages.items() if each != name}).write(place)
    shutil.rmtree(place / "stages" / manifest.stages[name], ignore_errors=True)


def remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
