"""nearkin info: what a collection holds."""

from __future__ import annotations

from nearkin.cli.options import Json, Place
from nearkin.cli.results import to_json


def info(place: Place, json: Json = False) -> None:
    """Tell what a collection holds: things, links, roles, stages, versions."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        told = collection.info()
    if json:
        print(to_json(told))
        return
    for name, value in told.items():
        print(name, _text(value), sep="\t")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
