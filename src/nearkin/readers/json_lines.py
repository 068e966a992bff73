"""JSON Lines: one object a line, plain or packed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.columns import as_json, plain
from nearkin.readers.files import lines

BATCH_ROWS = 16_384
BATCH_BYTES = 16 << 20


def json_line_batches(path: Path) -> Iterator[pa.Table]:
    """The objects of a JSON Lines file in tables of plain types, a column a key; nested objects become JSON text.

    Cost: one batch (16,384 lines or 16 MB of text) in memory. Refused, each with its line: broken UTF-8 or JSON, a line that is no
    object, a field that is text in one line and a number in another, an empty file. Blank lines are passed over.
    """
    batch: list[tuple[int, dict[str, Any]]] = []
    size = done = 0
    for number, line in lines(path):
        if not line.strip():
            continue
        batch.append((number, _parsed(line, path, number)))
        size += len(line)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _table(batch, path, done)
            done, batch, size = done + len(batch), [], 0
    if batch:
        yield _table(batch, path, done)
    elif not done:
        raise BadInput(f"{path}: no line holds an object; at least one is needed")


def _parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}, line {number}: not a JSON object ({error}); one object a line is expected") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path}, line {number}: a JSON object {{...}} is expected, got {_kind(value)}")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write null")


def _table(batch: list[tuple[int, dict[str, Any]]], path: Path, done: int) -> pa.Table:
    names = dict.fromkeys(name for _, row in batch for name in row)
    return plain(pa.table({name: _column(name, batch, path) for name in names}), str(path), done)


def _column(name: str, batch: list[tuple[int, dict[str, Any]]], path: Path) -> pa.Array:
    """A field as Arrow makes it out; only when it cannot, or finds objects, each value is looked at."""
    values = [row.get(name) for _, row in batch]
    if any(map(_nested, values)):
        _check_kinds(name, batch, path)
        return as_json(values)
    try:
        column = pa.array(values)
        if pa.types.is_floating(column.type):  # Arrow would read true as 1.0
            _check_kinds(name, batch, path)
        return column
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        _check_kinds(name, batch, path)
        number = next((number for number, row in batch if not _fits(row.get(name))), batch[0][0])
        raise BadInput(f"{path}, line {number}: the field {name!r} cannot be kept ({error}); write it as text") from error


def _check_kinds(name: str, batch: list[tuple[int, dict[str, Any]]], path: Path) -> None:
    """One kind of value a field; what stood first decides."""
    seen: tuple[int, str] | None = None
    for number, row in batch:
        value = row.get(name)
        if value is None or value == []:
            continue
        kind = _kind(value)
        seen = seen or (number, kind)
        if kind != seen[1]:
            raise BadInput(
                f"{path}, line {number}: the field {name!r} holds {kind}, but {seen[1]} in line {seen[0]}; write one kind in all lines"
            )


def _kind(value: object) -> str:
    if isinstance(value, list):
        kinds = {_kind(part) for part in value if part is not None}
        return f"a list of {' and '.join(sorted(kinds)) or 'nothing'}"
    return _KINDS.get(type(value), "null")


_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "an object"}


def _nested(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict | list))


def _fits(value: object) -> bool:
    try:
        pa.array([value])
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return False
    return True
