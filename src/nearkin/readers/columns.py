"""Arrow columns brought to the few types a catalogue holds, and the types of many batches brought together."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput

MOST_FIELD = 16 << 20  # bytes a field; more is a mistake of the export or belongs into a file of its own


def plain(table: pa.Table, where: str, first_row: int = 0) -> pa.Table:
    """The same rows in plain types: string, int64, float64, bool, binary, dates and times, and lists of those.

    Dictionaries are spelt out; objects (structs, maps, lists of them) become JSON text. Refused: a field over 16 MB, named with
    its row, counted from 1 after the `first_row` rows that came before.
    """
    columns = {}
    for name, column in zip(table.column_names, table.columns):
        column = _plain_column(column, f"{where}, field {name!r}")
        _check_sizes(column, where, name, first_row)
        columns[name] = column
    return pa.table(columns)


def wider(one: pa.DataType, two: pa.DataType) -> pa.DataType | None:
    """The type that holds both: nothing yields to anything, whole numbers to numbers; None when there is no such type."""
    if one == two or pa.types.is_null(two):
        return one
    if pa.types.is_null(one):
        return two
    if {one, two} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_list(one) and pa.types.is_list(two):
        inner = wider(one.value_type, two.value_type)
        return None if inner is None else pa.list_(inner)
    return None


def conform(table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    """The same rows with exactly these columns, missing ones null; a column never seen with a value is text."""
    size, columns = table.num_rows, {}
    for name, kind in types.items():
        kind = _settled(kind)
        columns[name] = table[name].cast(kind) if name in table.column_names else pa.nulls(size, kind)
    return pa.table(columns)


def as_json(values: list[object]) -> pa.Array:
    """Objects as JSON text, nulls kept."""
    return pa.array([None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in values], pa.string())


def _settled(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind):
        return pa.string()
    return pa.list_(pa.string()) if pa.types.is_list(kind) and pa.types.is_null(kind.value_type) else kind


def _plain_column(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    wanted = _plain_type(column.type)
    if wanted is None:
        return pa.chunked_array([as_json(column.to_pylist())], pa.string())
    try:
        return column if column.type == wanted else column.cast(wanted)
    except pa.ArrowInvalid as error:
        raise BadInput(f"{where}: cannot be kept as {wanted} ({error}); write it as text") from error


def _plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The type a column is kept in; None for objects, which are kept as JSON text."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if _is_any_list(kind):
        inner = _plain_type(kind.value_type)
        return None if inner is None or pa.types.is_list(inner) else pa.list_(inner)
    if pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_union(kind):
        return None
    for matches, wanted in _PLAIN:
        if matches(kind):
            return wanted
    return kind


_PLAIN: list[tuple[Callable[[pa.DataType], bool], pa.DataType]] = [
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_decimal, pa.float64()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
]


def _is_any_list(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view))


def _check_sizes(column: pa.ChunkedArray, where: str, name: str, first_row: int) -> None:
    if column.nbytes <= MOST_FIELD:
        return
    sizes = _sizes(column)
    if sizes is not None and len(sizes) and sizes.max() > MOST_FIELD:
        row = int(np.argmax(sizes > MOST_FIELD))
        raise BadInput(
            f"{where}, row {first_row + row + 1}: the field {name!r} holds {sizes[row] / 2**20:.0f} MB, at most {MOST_FIELD >> 20} MB "
            f"are taken; shorten it or keep it in a file and store the path"
        )


def _sizes(column: pa.ChunkedArray) -> np.ndarray | None:
    """Bytes a row of text or binary data, int64 [n]; of a list, the bytes of its parts."""
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return np.asarray(pc.binary_length(column).fill_null(0)).astype(np.int64)
    if not pa.types.is_list(column.type):
        return None
    inner = _sizes(pa.chunked_array([pc.list_flatten(column).combine_chunks()]))
    inner = np.full(len(pc.list_flatten(column)), 8, np.int64) if inner is None else inner
    return np.bincount(np.asarray(pc.list_parent_indices(column)), weights=inner, minlength=len(column)).astype(np.int64)
