"""nearkin remove: things by their ids."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from nearkin.cli.inputs import ids_of
from nearkin.cli.options import Place
from nearkin.cli.talk import say


def remove(
    place: Place,
    ids: Annotated[list[str] | None, Argument(help="ids of things; one a line from stdin when none is given", metavar="ID")] = None,
) -> None:
    """Remove things, and the links from and to them; they are found no more. `compact` also removes their bytes."""
    from nearkin.collection import Collection

    names = ids_of(ids)
    with Collection.open(place) as collection:
        collection.remove(names)
        say(f"{place}: {len(names):,} things removed; {len(collection):,} are left")
