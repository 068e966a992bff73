"""Writing a collection for the first time: whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from nearkin.collection.fitting import Progress, fit_stages
from nearkin.collection.manifest import Manifest
from nearkin.collection.store import Store
from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links


def checked_new(place: Path, items: Catalog) -> None:
    """Refuse a place that is taken, and a catalogue of nothing."""
    if place.exists():
        raise BadInput(f"{place} exists already; choose another name, add to it with: nearkin add, or remove it first")
    if not len(items):
        raise BadInput("the catalogue is empty; a collection needs at least one thing")


def write_new(
    place: Path, items: Catalog, links: Links | None, manifest: Manifest, chosen: Mapping[str, tuple[Any, Any]], say: Progress
) -> None:
    """Write things, links and the chosen branches beside `place` and rename all at the end; an interruption leaves nothing there."""
    draft = _draft(place)
    try:
        say(f"writing {len(items):,} things")
        Store.create(draft, items)
        manifest.write(draft)
        if links is not None:
            Store(draft, items.roles).append_links(links.to_arrow())
        fit_stages(draft, manifest, chosen, say)
        say("finishing")
        os.rename(draft, place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _draft(place: Path) -> Path:
    draft = place.parent / f".{place.name}.{uuid4().hex[:8]}"
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{place} cannot be made: {error.strerror}; choose a folder where you may write") from error
    return draft
