"""The forms an answer can have: JSON, a line a hit (NDJSON), or a table (Arrow IPC stream), as `Accept` asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from nearkin.service.problems import Problem

JSON, NDJSON, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"
ANY = {"*/*", "application/*", ""}
LISTS = ("hits", "items", "matches")  # of a body: what becomes rows
Body = Mapping[str, Any]


def chosen(accept: str) -> str:
    """The form that is wanted most; JSON where any will do. Refused (406): none of ours."""
    wanted = sorted((_weighed(part) for part in accept.split(",")), key=lambda each: -each[1])
    for kind, weight in wanted:
        if weight > 0 and (kind in ANY or kind in (JSON, NDJSON, ARROW)):
            return JSON if kind in ANY else kind
    raise Problem(406, f"answers are {JSON}, {NDJSON} or {ARROW}")


def _weighed(part: str) -> tuple[str, float]:
    """A kind and its q."""
    kind, *more = (each.strip().lower() for each in part.split(";"))
    told = next((each[2:] for each in more if each.startswith("q=")), "1")
    try:
        return kind, float(told)
    except ValueError:
        return kind, 1.0


def written(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def formed(body: Body, form: str) -> bytes:
    """The answer in this form."""
    return _FORMS[form](body)


def rows_of(body: Body) -> list[dict[str, Any]]:
    """Each hit, with the number of its query; things and matches as they are."""
    found = body.get("hits") or [body.get("items", body.get("matches", []))]
    return [{"query": query, **row} for query, page in enumerate(found) for row in page]


def _rest(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in LISTS}


def _lines(body: Body) -> bytes:
    """A line a row, and one that sums up."""
    return b"\n".join([*map(written, rows_of(body)), written({"summary": _rest(body)}), b""])


def _table(body: Body) -> bytes:
    """Columns of the rows, the fields of a thing each as `fields.NAME`; all else is JSON under `nearkin` in the schema's metadata."""
    rows = [_flat(row) for row in rows_of(body)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    table = table.replace_schema_metadata({"nearkin": written(_rest(body))})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = {f"fields.{name}": value for name, value in row.get("fields", {}).items()}
    return {**{name: value for name, value in row.items() if name != "fields"}, **fields}


def _column(values: list[Any]) -> pa.Array:
    """As its values are; reasons, spans and what differs from row to row as JSON."""
    if not any(isinstance(value, dict) for value in values):
        try:
            return pa.array(values)
        except pa.ArrowException:
            pass
    return pa.array([None if value is None else written(value).decode() for value in values], pa.string())


_FORMS: Mapping[str, Callable[[Body], bytes]] = {JSON: written, NDJSON: _lines, ARROW: _table}
