"""The rows of a request as a table that can be matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from nearkin.service import limits as at_most
from nearkin.service.problems import Flaw, pointer, refused
from nearkin.service.things import refuse
from nearkin.tables import Catalog

Row = Mapping[str, Any]


def table_of(rows: Sequence[Row], id_field: str | None, roles: Mapping[str, str]) -> Catalog:
    """The rows as a catalogue. Refused: a field of several kinds, ids that are none or not unique, roles of absent fields."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    refuse([*_flaws_of_names(names, roles), *_flaws_of_ids(rows, id_field)])
    own = id_field or _free("id", names)
    ids = [str(row[own]) if id_field else str(place) for place, row in enumerate(rows)]
    columns = {name: _column(name, [row.get(name) for row in rows]) for name in names if name != own}
    told = {name: roles.get(name) or _role(column.type) for name, column in columns.items()}
    return Catalog(pa.table({own: pa.array(ids, pa.string()), **columns}), {own: "id", **told})


def _flaws_of_names(names: Sequence[str], roles: Mapping[str, str]) -> list[Flaw]:
    if len(names) > at_most.FIELDS:
        return [Flaw(f"the rows have {len(names)} fields together; at most {at_most.FIELDS}", "fields", "/left")]
    strange = [name for name in roles if name not in names]
    return [Flaw("no row has this field", "unknown-field", pointer(["roles", name])) for name in strange]


def _flaws_of_ids(rows: Sequence[Row], id_field: str | None) -> list[Flaw]:
    if id_field is None:
        return []
    seen: set[str] = set()
    flaws = []
    for place, row in enumerate(rows):
        name = row.get(id_field)
        if not isinstance(name, str | int) or isinstance(name, bool) or not 1 <= len(str(name)) <= at_most.ID_LENGTH:
            flaws.append(Flaw("an id is a text or a whole number, and no row may lack it", "id", pointer(["left", place, id_field])))
        elif str(name) in seen:
            flaws.append(Flaw("two rows have the same id", "id", pointer(["left", place, id_field])))
        seen.add(str(name))
    return flaws


def _column(name: str, values: list[Any]) -> pa.Array:
    if all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values):
        whole = all(value is None or isinstance(value, int) for value in values)
        return pa.array(values if whole else [None if value is None else float(value) for value in values])
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError):
        raise refused(
            f"the field {name[:80]!r} holds values of several kinds; give it texts, numbers or lists alone", "type", "/left"
        ) from None


def _role(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_boolean(kind):
        return "category"
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "text"


def _free(name: str, names: list[str]) -> str:
    return name if name not in names else _free(f"{name}_", names)
