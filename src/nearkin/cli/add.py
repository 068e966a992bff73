"""nearkin add: more things, or new versions of things that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from nearkin.cli.options import Place, Roles, pairs
from nearkin.cli.talk import say


def add(place: Place, items: Annotated[Path, Argument(help="a file as for build, with the same fields")], role: Roles = None) -> None:
    """Add the things in ITEMS; a thing whose id is there already is replaced. They are found at once."""
    from nearkin.collection import Collection
    from nearkin.readers import read

    with Collection.open(place) as collection:
        things = read(items, roles=_fitting(items, collection.catalog.roles) | pairs(role, "--role"))
        before = len(collection)
        collection.add(things)
        new = len(collection) - before
        say(f"{place}: {new:,} things added, {len(things) - new:,} replaced; {len(collection):,} in all")


def _fitting(items: Path, known: dict[str, str]) -> dict[str, str]:
    """The roles of the collection for those of its fields that the file has. Refused: a file without the collection's id field."""
    from nearkin.errors import BadInput, listed
    from nearkin.readers.tables import field_names

    names = field_names(items)
    lacking = [name for name, role in known.items() if role == "id" and name not in names]
    if lacking:
        raise BadInput(
            f"{items}: the ids of this collection are in the field {lacking[0]!r}, this file has {listed(names, 30)}; rename the field"
        )
    return {name: role for name, role in known.items() if name in names}
