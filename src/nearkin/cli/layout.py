"""nearkin layout: draw the map of a collection."""

from __future__ import annotations

from nearkin.cli.options import Place
from nearkin.cli.talk import progress, say


def layout(place: Place) -> None:
    """Give each thing a place on a map, near what it is like, with words for the regions; the page of the service shows it."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection, progress(f"drawing {place}") as tell:
        drawn = collection.lay_out(progress=tell)
    say(f"{place}: a map of {len(drawn.seqs):,} things; see it with: nearkin serve {place}")
