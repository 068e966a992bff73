"""When a request is sent again, what its answer means, and what its errors are called; nothing is sent from here."""

from __future__ import annotations

import json
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from nearkin.errors import BadInput, Busy, NearkinError

TRIES = 5
FIRST_WAIT_S, MOST_WAIT_S = 0.2, 10.0
AGAIN = {409, 429, 502, 503}
LINES = "application/x-ndjson"


@dataclass(frozen=True)
class Got:
    """The answer to one request, or, with status 0, why there is none."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def attempts() -> Generator[float, Got, Any]:
    """Yields how long to wait before sending (again), takes what came, returns the body as it is meant.

    Again: when the service cannot be reached, is busy or still at it; each time twice as long, or as long as it says.
    """
    wait_s = 0.0
    for last in [False] * (TRIES - 1) + [True]:
        got = yield wait_s
        if 200 <= got.status < 300:
            return meant(got)
        if last or not (got.status == 0 or got.status in AGAIN) or _is_lasting(got):
            raise error_of(got)
        wait_s = _wait_s(got, wait_s)
    raise AssertionError("the last attempt returns or raises")


def meant(got: Got) -> Any:
    """JSON (with the `etag` of a thing), a list of the lines of NDJSON, text, bytes, or None where there is nothing."""
    kind = got.headers.get("content-type", "")
    if kind.startswith(LINES):
        return [json.loads(line) for line in got.body.splitlines()]
    if not kind.startswith("application/json"):
        return got.body.decode() if kind.startswith("text/") else got.body or None
    told, etag = json.loads(got.body), got.headers.get("etag", "")
    return {**told, "etag": etag} if etag.startswith('"') else told


def error_of(got: Got) -> NearkinError:
    """What a library that is here would raise."""
    if got.status == 0:
        return NearkinError(f"the service cannot be reached: {got.body.decode(errors='replace')}; start it with: nearkin serve PLACE")
    said = _said(got)
    if got.status == 503:
        return Busy(said)
    return BadInput(said) if got.status < 500 else NearkinError(said)


def _said(got: Got) -> str:
    try:
        problem = json.loads(got.body)
        flaws = [f"{flaw.get('pointer') or flaw.get('parameter') or ''}: {flaw['message']}" for flaw in problem["errors"][:5]]
        return "; ".join([problem["detail"], *(flaw for flaw in flaws if problem["detail"] not in flaw)])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {got.status}: {got.body[:200].decode(errors='replace')}"


def _is_lasting(got: Got) -> bool:
    """A refusal that stays: a service without room says when to come back, a conflict too."""
    return got.status == 409 and "retry-after" not in got.headers


def _wait_s(got: Got, before: float) -> float:
    told = got.headers.get("retry-after", "")
    least = float(told) if told.isdigit() else 0.0
    return min(max(least, 2 * before, FIRST_WAIT_S) * random.uniform(1, 1.2), MOST_WAIT_S)
