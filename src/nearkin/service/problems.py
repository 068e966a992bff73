"""What went wrong, as `application/problem+json` (RFC 9457): one body for every error of the service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from nearkin.errors import Busy, Missing, NearkinError, StorageError
from nearkin.service.where import BadWhere

KIND = "application/problem+json"
CODES = {
    400: "unreadable", 401: "no-key", 403: "not-allowed", 404: "not-found", 405: "wrong-method", 406: "not-acceptable",
    408: "slow-body", 409: "conflict", 410: "version-gone", 412: "changed-since", 413: "too-large", 415: "wrong-content-type",
    422: "invalid", 429: "too-many", 500: "fault", 503: "busy", 504: "too-slow", 507: "disk-full",
}  # fmt: skip

FULL = ("No space left", "disk is full", "File too large", "quota exceeded")  # as files, the catalogue and the state of the service say it


@dataclass(frozen=True)
class Flaw:
    """One thing to mend: where it stands (JSON pointer into the body, or the name of a parameter), and what is wrong with it."""

    message: str
    code: str = "invalid"
    pointer: str | None = None
    parameter: str | None = None
    line: int | None = None
    column: int | None = None
    did_you_mean: str | None = None

    def told(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


class Problem(HTTPException):
    """An error with its HTTP status, told to the caller as it is."""

    def __init__(self, status: int, detail: str, *, flaws: Sequence[Flaw] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status, self.flaws = status, tuple(flaws)

    def body(self, request_id: str) -> dict[str, Any]:
        return {
            "type": f"/docs/concepts/service/#{CODES.get(self.status, 'fault')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": [flaw.told() for flaw in self.flaws],
        }

    def response(self, request_id: str) -> Response:
        text = json.dumps(self.body(request_id), ensure_ascii=True)
        return Response(text, self.status, headers={**(self.headers or {}), "Cache-Control": "no-store"}, media_type=KIND)


def problem_of(error: Exception) -> Problem:
    """What a refusal of the library means over HTTP."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, BadWhere):
        return refused(str(error), "where", "/where", column=error.at, did_you_mean=error.did_you_mean)
    if isinstance(error, Busy):
        return Problem(503, str(error), headers={"Retry-After": "2"})
    if (isinstance(error, OSError) and error.errno in (27, 28, 122)) or any(said in str(error) for said in FULL):
        return Problem(507, "the disk is full; nothing was changed")
    if isinstance(error, StorageError | sqlite3.OperationalError):  # says where it lies, which is the log's to tell
        return Problem(
            503, "what the service keeps on its disk cannot be read or written now; its log says more", headers={"Retry-After": "5"}
        )
    if isinstance(error, NearkinError) and not isinstance(error, Missing):
        return Problem(422, str(error), flaws=[Flaw(str(error))])
    return Problem(500, "something failed that should not have; the log of the service says more under this request id")


def refused(message: str, code: str, pointer: str, **more: Any) -> Problem:
    """One flaw of a body, as a whole problem."""
    return Problem(422, message, flaws=[Flaw(message, code, pointer, **more)])


def unknown(what: str, name: str, known: Iterable[str], pointer: str) -> Problem:
    """A name that does not exist here, with the nearest one that does."""
    names = list(known)
    near = get_close_matches(name, names, 1)
    message = f"there is no {what} {name[:80]!r} here; there are {', '.join(map(repr, names[:20]))}"
    return refused(message, f"unknown-{what}", pointer, did_you_mean=near[0] if near else None)


def flaws_of(errors: Iterable[Mapping[str, Any]], known: Sequence[str] = ()) -> list[Flaw]:
    """The findings of pydantic as flaws; names of alternatives, which it puts into places, are left out."""
    found = []
    for error in errors:
        source, *path = error["loc"]
        path = [part for part in path if not str(part).startswith("<")]
        extra = error["type"] == "extra_forbidden"
        near = get_close_matches(str(path[-1]), known, 1) if extra and path else []
        message = "this name is not known here" if extra else str(error["msg"])
        place = {"pointer": pointer(path)} if source == "body" else {"parameter": str(path[0]) if path else str(source)}
        found.append(Flaw(message, str(error["type"]).replace("_", "-"), **place, did_you_mean=near[0] if near else None))  # type: ignore[arg-type]
    return list({str(flaw): flaw for flaw in found}.values())[:50]


def pointer(path: Iterable[Any]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + printable(str(part)).replace("~", "~0").replace("/", "~1")[:200] for part in path)


def printable(text: str) -> str:
    """The text with lone surrogates, which no encoding can hold, made question marks."""
    return text.encode("utf-8", "replace").decode()
