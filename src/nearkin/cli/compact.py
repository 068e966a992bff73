"""nearkin compact: fit the stages anew, drop past versions."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from nearkin.cli.options import Place
from nearkin.cli.talk import progress, say


def compact(place: Place, keep_history: Annotated[bool, Option("--keep-history", help="keep past versions")] = False) -> None:
    """Fit the stages on all things, merge small files, and delete for good what was removed."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        before = collection.info()["size_bytes"]
        with progress(f"compacting {place}") as tell:
            collection.compact(keep_history=keep_history, progress=tell)
        say(f"{place}: {len(collection):,} things, {before / 1e6:.1f} MB before, {collection.info()['size_bytes'] / 1e6:.1f} MB now")
