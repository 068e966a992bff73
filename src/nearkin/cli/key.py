"""nearkin key, keys and revoke: who may ask the service of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from nearkin.cli.options import Json, Place, Where
from nearkin.cli.results import flat, to_json
from nearkin.cli.talk import say

if TYPE_CHECKING:
    from nearkin.service.keys import Keys


def key(
    place: Place,
    scope: Annotated[list[str] | None, Option(help="read (unless told otherwise), write or admin; may be repeated")] = None,
    name: Annotated[str, Option(help="whom it is for")] = "",
    where: Where = None,
    days: Annotated[float | None, Option(help="how long it holds; for ever when left out")] = None,
    rate: Annotated[float | None, Option(help="requests a second that it may make; as many as it likes when left out")] = None,
) -> None:
    """Make a key and print it, this once; from the first key on, the service answers nobody without one."""
    held = _keys(place)
    if where is not None:
        from nearkin.collection import Collection
        from nearkin.service.where import parse

        with Collection.open(place) as collection:
            parse(where, {field.name: field.type for field in collection.catalog.table.schema})
    print(held.add(scope or ["read"], name=name, where=where, days=days, rate=rate))
    say("keep it well: only a hash of it is stored; send it as Authorization: Bearer KEY")


def keys(place: Place, json: Json = False) -> None:
    """List the keys of a collection: id, name, scopes, filter, when made, when over, when last used, rate."""
    for row in _keys(place).listed():
        print(to_json(row) if json else "\t".join(flat("" if value is None else str(value)) for value in row.values()))


def revoke(place: Place, key: Annotated[str, Argument(help="the id of the key (see keys)", metavar="ID")]) -> None:
    """Take a key back: it lets nobody in from now on."""
    held = _keys(place)
    held.remove(key)
    say(f"{place}: {len(held.listed())} keys left")


def _keys(place: Place) -> Keys:
    from nearkin.collection.manifest import Manifest
    from nearkin.errors import Missing

    Manifest.read(place)
    try:
        from nearkin.service.keys import Keys
        from nearkin.service.state import State
    except ImportError as error:
        raise Missing(error.name or "fastapi", "serve") from error
    return Keys(State(place))
