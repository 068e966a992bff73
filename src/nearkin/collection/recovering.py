"""A manifest made anew from what can still be read of it and from what lies on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from nearkin.collection.branch import Branch
from nearkin.collection.fitting import DEFAULT_WEIGHTS
from nearkin.collection.manifest import NAME, Manifest
from nearkin.collection.numbering import SEQ
from nearkin.errors import BadInput
from nearkin.readers.roles import guess_roles
from nearkin.stage import Stage
from nearkin.tables.catalog import ROLES

OTHERS = ("recommend", "relevance", "layout")  # stages that are no search branches


def recovered(place: Path, things: pa.Table | None, links: pa.Table | None) -> Manifest:
    """What the manifest most likely said. Lines of it that can be read hold; stages are those on disk, of each name the newest.

    Roles that cannot be read are guessed as for a new file. Refused: no catalogue, or no search stage that loads.
    """
    if things is None:
        raise BadInput(f"{place} has neither a manifest nor a catalogue that can be read; restore it from a backup")
    told = _lines(place / NAME)
    roles = _roles(things, told.get("roles", {}))
    stages = _stages(place, told.get("stages", {}))
    search = told.get("search", {})
    names = _search_names(place, stages, search.get("stages"))
    recommend = told.get("recommend", {})
    return Manifest(
        roles=roles,
        stages=stages,
        search=names,
        weights=_weights(names, search.get("weights")),
        by=next((way for way in ("minmax", "zscore", "rrf") if way == search.get("by")), "minmax"),
        recommend="recommend" if "recommend" in stages else "",
        tuned=recommend.get("tuned") is True and "recommend" in stages,
        edges=recommend["edges"] if isinstance(recommend.get("edges"), bool) else _are_edges(things, links, roles),
    )


def _roles(things: pa.Table, told: Mapping[str, Any]) -> Mapping[str, str]:
    """What the manifest says of fields that are there; the rest is guessed."""
    fields = [name for name in things.column_names if name != SEQ]
    known = {name: role for name, role in told.items() if name in fields and role in ROLES}
    first = {} if "id" in known.values() else {fields[0]: "id"}  # a catalogue keeps its ids in the first column
    return guess_roles(things.select(fields), roles={**known, **first}).roles


def _weights(names: tuple[str, ...], told: Any) -> tuple[float, ...]:
    """What the manifest says of these stages, or what a new collection of them would have."""
    if not (isinstance(told, list) and len(told) == len(names)):
        told = DEFAULT_WEIGHTS if names == ("words", "meaning") else [1 / len(names)] * len(names)
    return tuple(float(weight) for weight in told)


def _lines(path: Path) -> dict[str, dict[str, Any]]:
    """Each line that is still whole, by section."""
    found: dict[str, dict[str, Any]] = {}
    section = ""
    for line in path.read_text(errors="replace").splitlines() if path.is_file() else ():
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, _, value = line.rpartition(" = ")
        try:
            found.setdefault(section, {})[json.loads(key)] = json.loads(value)
        except (ValueError, TypeError):
            continue
    return found


def _stages(place: Path, told: Mapping[str, Any]) -> dict[str, str]:
    """For each name the folder that was named, or the one written last."""
    found = {name: folder for name, folder in told.items() if isinstance(folder, str) and (place / "stages" / Path(folder).name).is_dir()}
    folders = (path for path in (place / "stages").glob("*-*-*") if path.is_dir() and not path.name.startswith("."))
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        found.setdefault(path.name.rsplit("-", 2)[0], path.name)
    return found


def _search_names(place: Path, stages: Mapping[str, str], told: Any) -> tuple[str, ...]:
    if isinstance(told, list) and told and all(name in stages for name in told):
        return tuple(told)
    names = [name for name, folder in stages.items() if name not in OTHERS and _is_branch(place / "stages" / folder)]
    if not names:
        raise BadInput(f"{place} has no manifest and no search stage that can be read; restore it from a backup")
    return tuple(sorted(names, key=lambda name: (name != "words", name)))


def _is_branch(folder: Path) -> bool:
    try:
        return isinstance(Stage.load(folder), Branch)
    except (BadInput, OSError, ValueError):
        return False


def _are_edges(things: pa.Table, links: pa.Table | None, roles: Mapping[str, str]) -> bool:
    """Whether all that links start from are things of the catalogue."""
    if links is None or not len(links):
        return False
    ids = set(things[next(name for name, role in roles.items() if role == "id")].to_pylist())
    return set(links["left"].to_pylist()) <= ids
