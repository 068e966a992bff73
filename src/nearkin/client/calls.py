"""Requests, and verbs made of them; nothing is sent from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from nearkin.errors import BadInput

T = TypeVar("T")
LINES = 10_000  # in one request
MOST_BYTES = 64 << 20  # of one bulk body
NDJSON = "application/x-ndjson"


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


def one(call: Call) -> Verb[Any]:
    """A single request, and its answer as it is."""
    return Verb([call], lambda bodies: bodies[0])


def get(path: str, headers: Mapping[str, str] | None = None, **told: Any) -> Verb[Any]:
    """Read what stands at a path; `told` is its query string."""
    return one(Call("GET", path + _query(told), None, headers or {}))


def delete(path: str, headers: Mapping[str, str] | None = None, **told: Any) -> Verb[Any]:
    return one(Call("DELETE", path + _query(told), None, headers or {}))


def post(path: str, body: Any, headers: Mapping[str, str] | None = None, *, method: str = "POST") -> Call:
    return Call(method, path, _dumped(body), {"Content-Type": "application/json", **(headers or {})})


def once() -> dict[str, str]:
    """What makes a write that is sent twice be done once."""
    return {"Idempotency-Key": str(uuid4())}


def given(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was said; what is None was not."""
    return {name: value for name, value in told.items() if value is not None}


def at(*parts: str | int) -> str:
    """A path below `/v1`, its parts percent-encoded."""
    return "/v1" + "".join("/" + quote(str(part), safe="") for part in parts)


def bulk(rows: Iterable[Any], *, atomic: bool = True) -> Iterator[Call]:
    """Lines of writes, in as many requests as they need."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        part.append(line(row))
        size += len(part[-1])
        if len(part) == LINES or size > MOST_BYTES:
            yield bulk_call(b"".join(part), atomic=atomic)
            part, size = [], 0
    if part:
        yield bulk_call(b"".join(part), atomic=atomic)


def bulk_call(body: bytes, *, atomic: bool = True) -> Call:
    return Call("POST", f"/v1/items:bulk?atomic={str(atomic).lower()}", body, {"Content-Type": NDJSON, **once()})


def line(row: Any) -> bytes:
    return _dumped(row) + b"\n"


def _query(told: Mapping[str, Any]) -> str:
    plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given(told).items()}
    return f"?{urlencode(plain, doseq=True)}" if plain else ""


def _dumped(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"this cannot be sent as JSON: {error}") from error
