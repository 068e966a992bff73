"""Looks a collection over, part by part, and puts right what can be."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nearkin.collection.check_datasets import check_dataset, newest
from nearkin.collection.check_stages import check_named, check_unnamed, refitted, remove_path
from nearkin.collection.collection import Collection
from nearkin.collection.finding import Finding, removed
from nearkin.collection.lock import writing
from nearkin.collection.manifest import NAME, Manifest
from nearkin.collection.numbering import SEQ
from nearkin.collection.recovering import recovered
from nearkin.errors import BadInput, Busy

Look = Callable[[Path], list[Finding]]
OLD_S = 3600.0  # a draft beside a collection that nobody touched for so long is left over


def examine(place: Path, *more: Look) -> list[Finding]:
    """All that is not as it should be; nothing is changed. `more`: what else to look over, such as the state of a service.

    Left-overs of writers are looked for only when nobody writes at that moment.
    """
    _check_there(place)
    found = _look(place)
    with suppress(Busy, BadInput), writing(place, 0.0):
        found += _left_overs(place)
    return found + [each for look in more for each in look(place)]


def repair(place: Path, *more: Look, wait_s: float = 10.0) -> list[Finding]:
    """Put right what can be, in the hands of the writer; gives what was found. Refused (`Busy`): another process writes."""
    _check_there(place)
    with writing(place, wait_s):
        found = _look(place)
        for each in found:
            if each.mend is not None:
                each.mend()
        judgements, mapped = refitted(place) if any(each.refit for each in found) else (None, False)
        last = _left_overs(place) + [each for look in more for each in look(place)]
        for each in last:
            if each.mend is not None:
                each.mend()
    mapped = mapped or any(each.what == "damaged stage" and each.where.name.startswith("layout-") for each in found)
    if judgements is not None or mapped:
        with Collection.open(place) as collection:
            if judgements is not None:
                collection.calibrate(judgements, wait_s=wait_s)
            if mapped:
                collection.lay_out(wait_s=wait_s)
    return found + last


def _check_there(place: Path) -> None:
    if not any((place / name).exists() for name in (NAME, "catalog.lance", "stages")):
        raise BadInput(f"{place} is no nearkin collection; make one with: nearkin build {place} ITEMS")


def _look(place: Path) -> list[Finding]:
    """Manifest, datasets and stages; a manifest that is damaged is taken as it would be recovered."""
    found = check_dataset(place / "catalog.lance")
    if (place / "links.lance").exists():
        found += check_dataset(place / "links.lance")
    manifest, wrong = _manifest(place)
    found = wrong + found
    if manifest is None:
        return found
    numbers = None if any(each.where.is_relative_to(place / "catalog.lance") for each in found) else _rows(place / "catalog.lance", [SEQ])
    return found + check_named(place, manifest, None if numbers is None else np.sort(numbers[SEQ].to_numpy()))


def _manifest(place: Path) -> tuple[Manifest | None, list[Finding]]:
    """The manifest, or the one that a repair would write, or none."""
    try:
        return Manifest.read(place), []
    except BadInput as error:
        if "newer nearkin" in str(error):
            raise
    try:
        manifest = recovered(place, _rows(place / "catalog.lance"), _rows(place / "links.lance"))
    except BadInput as error:
        return None, [Finding(what="damaged manifest", where=place / NAME, means=str(error))]
    told = ", ".join(f"{name} {role}" for name, role in manifest.roles.items())
    repair = f"writes it anew from what is on disk: {told}; searched by {', '.join(manifest.search)}"
    mend = partial(_written, place, manifest)
    means = "the collection cannot be opened"
    return manifest, [Finding(what="damaged manifest", where=place / NAME, means=means, repair=repair, mend=mend)]


def _written(place: Path, manifest: Manifest) -> None:
    if (place / NAME).is_file():
        (place / NAME).rename(place / f"{NAME}.damaged")
    manifest.write(place)


def _rows(path: Path, columns: list[str] | None = None) -> pa.Table | None:
    """The rows of the newest version that can be opened, less the parts that cannot be read; None: nothing can."""
    dataset, _ = newest(path)
    tables: list[Any] = []
    for fragment in dataset.get_fragments() if dataset is not None else ():
        try:
            tables.append(fragment.to_table(columns=columns))
        except (OSError, ValueError, RuntimeError):
            continue
    if dataset is None:
        return None
    return pa.concat_tables(tables) if tables else dataset.schema.empty_table()


def _left_overs(place: Path) -> list[Finding]:
    """What writers that died left behind; asked while nobody else writes."""
    found = []
    with suppress(BadInput):  # then it is not known which stages are in use
        found += check_unnamed(place, Manifest.read(place))
    for path in sorted(place.glob(f".{NAME}.*")):
        found.append(removed("left-over draft", path, "a writer of the manifest died over it", partial(remove_path, path)))
    for path in sorted(place.resolve().parent.glob(f".{place.resolve().name}.*")):
        told = re.fullmatch(r"[0-9a-f]{8}", path.name.rsplit(".", 1)[1])
        if told and path.is_dir() and time.time() - max(each.stat().st_mtime for each in _walked(path)) > OLD_S:
            means = "a build or restore died over it"
            found.append(removed("left-over draft", path, f"{means}; it only takes room", partial(remove_path, path)))
    return found


def _walked(folder: Path) -> list[Path]:
    return [folder, *(Path(here) / name for here, _, names in os.walk(folder) for name in names)]
