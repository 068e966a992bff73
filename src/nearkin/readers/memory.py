"""Tables in memory as catalogues: Arrow, pandas, Polars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.columns import conform, plain
from nearkin.readers.roles import guess_roles
from nearkin.tables import Catalog


def from_arrow(table: pa.Table, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Catalog:
    """An Arrow table as a catalogue; roles that are not given are guessed. Refused: no rows, and what `guess_roles` refuses."""
    if not table.num_rows:
        raise BadInput("the table has no rows; at least one is needed")
    table = plain(table, "the table")
    table = conform(table, dict(zip(table.column_names, table.schema.types)))
    return Catalog(table, guess_roles(table, roles=roles, id=id).roles)


def from_pandas(frame: Any, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Catalog:
    """A pandas DataFrame as a catalogue, without its index (reset_index makes it a column). Refused: mixed values in a column."""
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BadInput(
            f"a column holds mixed values ({'; '.join(map(str, error.args))}); make it one type, for example with astype(str)"
        ) from error
    return from_arrow(table.replace_schema_metadata(None), roles=roles, id=id)


def from_polars(frame: Any, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Catalog:
    """A Polars DataFrame as a catalogue."""
    return from_arrow(frame.to_arrow(), roles=roles, id=id)
