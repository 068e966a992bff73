"""Each verb as the requests it takes, and how their answers are joined; nothing is sent from here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import uuid4

from nearkin.client.found import Found
from nearkin.client.pairs import matching_value, partnered
from nearkin.collection.partners import Partnered
from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links

T = TypeVar("T")
QUERIES, LINES, LINKS, ROWS = 256, 10_000, 10_000, 1_000  # in one request; the service's own limits
MOST_BYTES = 64 << 20  # of one bulk body


@dataclass(frozen=True)
class Call:
    """One request; it may be sent again after a failure, since a write bears an Idempotency-Key."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verb(Generic[T]):
    """Requests to be sent in order, and what their answers make."""

    calls: Iterable[Call]
    join: Callable[[list[Any]], T]


def search(queries: str | Sequence[str] | Catalog, told: Mapping[str, Any]) -> Verb[Found]:
    names, texts = _asked(queries)
    return _in_parts("/v1/search", "queries", texts, told, names)


def similar(ids: Sequence[str], told: Mapping[str, Any]) -> Verb[Found]:
    return _in_parts("/v1/similar", "ids", list(ids), told, list(ids))


def recommend(histories: Sequence[Sequence[str]] | Catalog, told: Mapping[str, Any]) -> Verb[Found]:
    table = histories if isinstance(histories, Catalog) else Catalog.histories(histories)
    return _in_parts("/v1/recommend", "histories", [list(each or []) for each in table["history"]], told, table.id_list)


def _in_parts(path: str, name: str, asked: Sequence[Any], told: Mapping[str, Any], names: Sequence[str]) -> Verb[Found]:
    given = {key: value for key, value in told.items() if value is not None}
    parts = [asked[start : start + QUERIES] for start in range(0, len(asked), QUERIES)]
    return Verb([_post(path, {name: part, **given}) for part in parts], lambda bodies: Found.joined(names, bodies))


def _asked(queries: str | Sequence[str] | Catalog) -> tuple[list[str], list[str]]:
    """Names and texts of queries, as a collection reads them."""
    if isinstance(queries, Catalog):
        fields = queries.fields("text", "category")
        return queries.id_list, queries.texts(*fields) if fields else [""] * len(queries)
    texts = [queries] if isinstance(queries, str) else list(queries)
    return [str(place) for place in range(len(texts))], texts


def add(items: Catalog, id_field: str) -> Verb[int]:
    """The newest version: that of the last part."""
    own = items.id_field
    rows = ({id_field if name == own else name: _plain(name, value) for name, value in thing.items()} for thing in items)
    return Verb(_bulk({"put": row} for row in rows), _last_version)


def remove(ids: Sequence[str]) -> Verb[int]:
    body = b"".join(_line({"delete": name}) for name in ids)
    return Verb([_bulk_call(body)] if ids else [], _last_version)


def add_links(links: Links) -> Verb[int]:
    rows = [{name: value for name, value in row.items() if name != "text" and value is not None} for row in links.to_arrow().to_pylist()]
    parts = [rows[start : start + LINKS] for start in range(0, len(rows), LINKS)]
    return Verb([_post("/v1/links", {"links": part}, **_once()) for part in parts], lambda bodies: sum(body["links"] for body in bodies))


def explain(query: str, item: str, told: Mapping[str, Any]) -> Verb[dict[str, Any]]:
    given = {key: value for key, value in told.items() if value is not None}
    return Verb([_post("/v1/explain", {"query": query, "id": item, **given})], _only)


def items(told: Mapping[str, Any]) -> Verb[dict[str, Any]]:
    return Verb([_post("/v1/items:query", {key: value for key, value in told.items() if value is not None})], _only)


def match(table: Catalog, told: Mapping[str, Any]) -> Verb[Partnered]:
    """Refused: more rows than one request may hold, since the chances are learned from all of them together."""
    if len(table) > ROWS:
        raise BadInput(f"{len(table):,} rows are too many for one request, {ROWS:,} at most; put the file into the imports and start a job")
    own = table.id_field
    rows = [{name: matching_value(value) for name, value in thing.items() if value is not None} for thing in table]
    roles = {name: role for name, role in table.roles.items() if name != own and any(name in row for row in rows)}
    given = {key: value for key, value in told.items() if value is not None}
    if not rows:
        return Verb([], lambda _: Partnered([], [], None, None))
    return Verb([_post("/v1/match", {"left": rows, "id": own, "roles": roles, **given})], partnered)


def get(path: str) -> Verb[dict[str, Any]]:
    return Verb([Call("GET", path)], _only)


def start(kind: str, told: Mapping[str, Any]) -> Verb[dict[str, Any]]:
    return Verb([_post("/v1/jobs", {"kind": kind, **told}, **_once())], _only)


def cancel(job: str) -> Verb[dict[str, Any]]:
    return Verb([Call("DELETE", f"/v1/jobs/{job}")], _only)


def _only(bodies: list[Any]) -> Any:
    return bodies[0]


def _last_version(bodies: list[Any]) -> int:
    return int(bodies[-1][-1]["summary"]["version"]) if bodies else 0


def _post(path: str, body: Any, **headers: str) -> Call:
    return Call("POST", path, _dumped(body), {"Content-Type": "application/json", **headers})


def _once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def _bulk(rows: Iterable[Any]) -> Iterator[Call]:
    part: list[bytes] = []
    size = 0
    for row in rows:
        part.append(_line(row))
        size += len(part[-1])
        if len(part) == LINES or size > MOST_BYTES:
            yield _bulk_call(b"".join(part))
            part, size = [], 0
    if part:
        yield _bulk_call(b"".join(part))


def _bulk_call(body: bytes) -> Call:
    return Call("POST", "/v1/items:bulk?atomic=true", body, {"Content-Type": "application/x-ndjson", **_once()})


def _line(row: Any) -> bytes:
    return _dumped(row) + b"\n"


def _dumped(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"this cannot be sent as JSON: {error}") from error


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"the field {name!r} holds {value}, which cannot be sent as JSON; leave it empty")
    return value.isoformat() if hasattr(value, "isoformat") else value
