"""`read_links`: a file of pairs (clicks, ratings, edges, matches) as links."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput, listed
from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Links
from nearkin.tables.times import seconds_of

NAMES = {
    "left": (
        "left",
        "user_id",
        "user",
        "userid",
        "session_id",
        "session",
        "query_id",
        "query-id",
        "query",
        "source",
        "source_id",
        "from",
        "ida",
    ),
    "right": ("right", "item_id", "item", "itemid", "product_id", "movie_id", "corpus-id", "target", "target_id", "to", "idb"),
    "time": ("time", "timestamp", "position", "date", "datetime", "created_at"),
    "weight": ("weight", "rating", "score", "grade"),
    "kind": ("kind", "relation", "type"),
}


def read_links(
    path: str | Path,
    left: Catalog | None,
    right: Catalog,
    *,
    columns: Mapping[str, str] | None = None,
    unknown: Literal["refuse", "skip"] = "refuse",
) -> Links:
    """Pairs of ids with weight, time and kind where there are such, in order of the left thing, then time (then as in the file).

    `left=None` makes a catalogue of the left ids in the file, in order of appearance. `columns` names the columns by what they are:
    left, right, time, weight, kind; those not named are known by their usual names (user_id, item_id, timestamp, rating, ...).
    Time: whole seconds or positions, or dates, which become seconds. `unknown="skip"` leaves out links to things that a catalogue
    lacks. Refused: columns that cannot be told, missing ids, unknown ids, times or weights that are none.
    """
    path = Path(path)
    columns = link_columns(path, table := read_table(path), columns)
    left_ids, right_ids = (_ids(table, columns[side], path) for side in ("left", "right"))
    left = left if left is not None else Catalog.of(left_ids.unique().to_pylist())
    sides = (_rows(left, left_ids, columns["left"], path, unknown), _rows(right, right_ids, columns["right"], path, unknown))
    kept = np.flatnonzero((sides[0] >= 0) & (sides[1] >= 0))
    time = _times(table[columns["time"]], columns["time"], path) if "time" in columns else None
    order = kept[np.lexsort((np.zeros(len(kept)) if time is None else time[kept], sides[0][kept]))]
    return Links(
        left,
        right,
        sides[0][order],
        sides[1][order],
        time=None if time is None else time[order],
        weight=_weights(table[columns["weight"]], columns["weight"], path)[order] if "weight" in columns else None,
        kind=table[columns["kind"]].cast(pa.string()).combine_chunks().take(pa.array(order)) if "kind" in columns else None,
    )


def link_columns(path: Path, table: pa.Table, named: Mapping[str, str] | None = None) -> dict[str, str]:
    """What each column is, from left, right, time, weight and kind to its name; left and right are always there."""
    named = dict(named or {})
    absent = [name for name in named.values() if name not in table.column_names]
    if absent or not set(named) <= set(NAMES):
        raise BadInput(f"{path}: columns are named as {', '.join(NAMES)} of {listed(table.column_names, 30)}; got {named}")
    lower = {name.lower(): name for name in table.column_names}
    found = {part: next((lower[name] for name in names if name in lower), None) for part, names in NAMES.items()} | named
    if found["left"] is None or found["right"] is None:
        raise BadInput(
            f"{path}: cannot tell which columns hold the two ids of a link; "
            f"name them as left and right, of {listed(table.column_names, 30)}"
        )
    return {part: name for part, name in found.items() if name is not None}


def _ids(table: pa.Table, name: str, path: Path) -> pa.Array:
    column = table[name]
    if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)):
        raise BadInput(f"{path}: the column {name!r} holds {column.type}; ids are text or whole numbers")
    if column.null_count:
        row = int(np.argmax(np.asarray(column.is_null())))
        raise BadInput(f"{path}, row {row + 1}: the column {name!r} is empty; every link needs two ids")
    return column.cast(pa.string()).combine_chunks()


def _rows(things: Catalog, ids: pa.Array, name: str, path: Path, unknown: str) -> np.ndarray:
    rows = things.rows_of(ids, missing="mark")
    lost = np.flatnonzero(rows < 0)
    if len(lost) and unknown == "refuse":
        names = dict.fromkeys(ids.take(pa.array(lost[:1000])).to_pylist())
        raise BadInput(
            f"{path}, row {lost[0] + 1}: {len(lost)} links name things in {name!r} that are not in the catalogue: {listed(names)}; "
            f"add them to it, or leave these links out with unknown='skip'"
        )
    return rows


def _times(column: pa.ChunkedArray, name: str, path: Path) -> np.ndarray:
    """int64 [m]: seconds of dates, else the whole numbers themselves (fractions are cut off)."""
    if column.null_count:
        raise BadInput(f"{path}, row {int(np.argmax(np.asarray(column.is_null()))) + 1}: the time {name!r} is empty; give each link one")
    try:
        whole = pa.types.is_integer(column.type)  # positions and nanoseconds may be larger than a float holds exactly
        return np.asarray(column) if whole else np.floor(seconds_of(column, name)).astype(np.int64)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _weights(column: pa.ChunkedArray, name: str, path: Path) -> np.ndarray:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)) or column.null_count:
        raise BadInput(f"{path}: the weight {name!r} must be a number in every row; it holds {column.type} with {column.null_count} empty")
    return np.asarray(column).astype(np.float32)
