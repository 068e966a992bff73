"""nearkin add: more things, or new versions of things that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from nearkin.cli.options import IdField, Place, Roles, pairs
from nearkin.cli.talk import say


def add(place: Place, items: Annotated[Path, Argument(help="a file as for build")], id_field: IdField = None, role: Roles = None) -> None:
    """Add the things in ITEMS; a thing whose id is there already is replaced. They are found at once."""
    from nearkin.collection import Collection
    from nearkin.readers import read

    with Collection.open(place) as collection:
        known = {name: kind for name, kind in collection.catalog.roles.items() if id_field is None or kind != "id"}
        things = read(items, roles=_fitting(items, known) | pairs(role, "--role"), id=id_field)
        before = len(collection)
        collection.add(things)
        new = len(collection) - before
        say(f"{place}: {new:,} things added, {len(things) - new:,} replaced; {len(collection):,} in all")


def _fitting(items: Path, known: dict[str, str]) -> dict[str, str]:
    """The roles of the collection for those of its fields that the file has."""
    from nearkin.readers.tables import field_names

    names = field_names(items)
    return {name: role for name, role in known.items() if name in names}
