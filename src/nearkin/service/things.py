"""Things as JSON to things as a collection keeps them: every value checked, every fault named by its place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from nearkin.errors import listed
from nearkin.service.limits import ID_LENGTH
from nearkin.service.problems import Flaw, Problem, pointer
from nearkin.tables import Catalog, is_list

Thing = Mapping[str, Any]


def flaws_of(thing: Any, catalog: Catalog) -> list[Flaw]:
    """What keeps a thing out of a collection with the fields of this catalogue; pointers go into the thing."""
    if not isinstance(thing, dict):
        return [Flaw("a thing is a JSON object of its fields", "object", "")]
    schema, name = catalog.table.schema, catalog.id_field
    flaws = id_flaws(thing.get(name), f"/{name}")
    for field, value in thing.items():
        if field not in schema.names:
            near = get_close_matches(field, schema.names, 1)
            says = f"this collection has no such field; its fields are {listed(schema.names, 20)}"
            flaws.append(Flaw(says, "unknown-field", pointer([field]), did_you_mean=near[0] if near else None))
        elif field != name and not _fits(value, schema.field(field).type):
            flaws.append(Flaw(f"this field holds {schema.field(field).type}", "type", pointer([field])))
    return flaws


def id_flaws(name: Any, place: str) -> list[Flaw]:
    """What keeps a value from being an id: any text of a sensible length that can be written down."""
    if not isinstance(name, str) or not 1 <= len(name) <= ID_LENGTH:
        return [Flaw(f"an id is a text of 1 to {ID_LENGTH} characters", "id", place)]
    if "\x00" in name or not _can_be_encoded(name):
        return [Flaw("an id holds no null character and no half of a character", "id", place)]
    return []


def catalog_of(things: Sequence[Thing], catalog: Catalog) -> Catalog:
    """Things without flaws as a catalogue with the same fields; what a thing lacks is null."""
    fields = catalog.table.schema
    columns = [_column([thing.get(field.name) for thing in things], field.type) for field in fields]
    return Catalog(pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in fields])), catalog.roles)


def merged(patch: Thing, catalog: Catalog, row: int) -> Catalog:
    """The thing in this row with the fields of the patch in place of its own (RFC 7396: null takes a value away)."""
    new = catalog_of([{**patch, catalog.id_field: catalog.ids[row].as_py()}], catalog)
    old = catalog.take([row])
    columns = [new.column(name) if name in patch else old.column(name) for name in catalog.table.column_names]
    return Catalog(pa.table(columns, names=catalog.table.column_names), catalog.roles)


def refuse(flaws: Sequence[Flaw]) -> None:
    """Stop here if anything is wrong."""
    if flaws:
        raise Problem(422, flaws[0].message if len(flaws) == 1 else f"{len(flaws)} things to mend", flaws=flaws[:50])


def _fits(value: Any, kind: pa.DataType) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, bool) and not pa.types.is_boolean(kind):
        return False
    if is_list(kind):
        return value is None or (isinstance(value, list) and all(_fits(each, kind.value_type) for each in value))
    try:
        _column([value], kind)
    except (pa.ArrowException, UnicodeError, OverflowError, TypeError, ValueError):
        return False
    return True


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_temporal(kind):
        return pa.array([str(value) if value is not None else None for value in values], pa.string()).cast(kind)
    return pa.array(values, kind)


def _can_be_encoded(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
