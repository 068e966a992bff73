"""What all routes share: who may use them, what they are sent, how their errors are documented, and how answers are written."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from nearkin.service import forms
from nearkin.service.access import READ, Access
from nearkin.service.answering import Asking
from nearkin.service.clock import Clock
from nearkin.service.forms import NDJSON as NDJSON
from nearkin.service.forms import written as written
from nearkin.service.limits import QUERY_LENGTH
from nearkin.service.problems import CODES, KIND, Problem
from nearkin.service.view import View

if TYPE_CHECKING:
    from nearkin.service.hub import Service

JSON_KINDS = {"application/json", "application/merge-patch+json"}
LATEST_S = 10.0  # how long a read waits for the version it must see


class FlawBody(BaseModel):
    """One thing to mend."""

    message: str
    code: str
    pointer: str | None = None
    parameter: str | None = None
    line: int | None = None
    column: int | None = None
    did_you_mean: str | None = None


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FlawBody]


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the OpenAPI."""
    always = (400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503, 504)
    shape = {"$ref": "#/components/schemas/ProblemBody"}
    return {
        status: {"description": CODES[status], "content": {KIND: {"schema": shape, "example": _example(status)}}}
        for status in sorted({*always, *statuses})
    }


def _example(status: int) -> dict[str, Any]:
    return Problem(status, f"what happened, and what to do ({CODES[status]})").body("0a1b2c3d4e5f6071")


class Route(APIRoute):
    """Looks at the key and the kind of the body before it reads the body; what changes something goes to the process that writes."""

    needs = READ
    kinds: frozenset[str] = frozenset(JSON_KINDS)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            scope = getattr(self.endpoint, "needs", READ)
            access(request).check(scope)
            if request.method in ("POST", "PUT", "PATCH"):
                _check_kind(request, getattr(self.endpoint, "kinds", JSON_KINDS))
            if scope == READ or request.method in ("GET", "HEAD"):
                return await handle(request)
            here = service(request)
            await request.state.seat.move(here.writing_room)
            return await (handle(request) if here.hand is None else here.hand(request))

        return checked


def router() -> APIRouter:
    return APIRouter(route_class=Route)


def needs(scope: str, *kinds: str) -> Callable[[Any], Any]:
    """Marks a handler: the scope its callers need, and the kinds of body it reads where these are others than JSON."""

    def mark(handler: Any) -> Any:
        handler.needs = scope
        if kinds:
            handler.kinds = frozenset(kinds)
        return handler

    return mark


def access(request: Request) -> Access:
    return request.state.access  # type: ignore[no-any-return]


def service(request: Request) -> Service:
    return request.app.state.service  # type: ignore[no-any-return]


def _check_kind(request: Request, kinds: Iterable[str]) -> None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in kinds:
        raise Problem(415, f"the body must be {' or '.join(sorted(kinds))}, got {kind[:80] or 'no Content-Type'!r}")


async def answered(request: Request, asked: Any, answer: Callable[[Any, Asking], dict[str, Any]], verb: str) -> Response:
    """Work out an answer in a reading thread, from a view that is new enough, and write it as asked for."""
    here = service(request)
    clock = Clock(getattr(asked, "timeout_ms", 10_000), request.state.started)
    await wait_for(request, here)
    asking = Asking(access(request).where, clock, here.secret, here.keeper.at)
    body = await here.keeper.read(lambda: answer(asked, asking), clock.timeout_ms / 1e3)
    here.metrics.steps(verb, body.get("stage", ""), body.get("took_by_step", {}))
    if here.settings.log_queries:
        here.seen.note(getattr(asked, "queries", ()))
        request.state.told.update(queries=[str(each)[:QUERY_LENGTH] for each in getattr(asked, "queries", ())])
    request.state.told.update(k=getattr(asked, "k", None), hits=sum(map(len, body.get("hits", ()))), steps=body.get("took_by_step"))
    return shown(request, body)


async def wait_for(request: Request, here: Service) -> View:
    """The newest view, once it is at least the version that the caller wants to see."""
    told = request.headers.get("if-version-at-least")
    if told is None:
        return here.keeper.now
    if not told.isascii() or not told.isdigit() or len(told) > 15:
        raise Problem(422, "If-Version-At-Least is the number of a version")
    import asyncio

    stop = time.monotonic() + LATEST_S
    while here.keeper.now.version < int(told):
        if time.monotonic() > stop:
            raise Problem(504, f"version {int(told)} was not there within {LATEST_S:g} s; the newest is {here.keeper.now.version}")
        await asyncio.sleep(0.02)
    return here.keeper.now


def shown(request: Request, body: Mapping[str, Any]) -> Response:
    """In the form that the caller accepts; 304 for those who know it already."""
    headers = {"ETag": f'W/"{body["version"]}"', "Cache-Control": "private, no-cache", "Vary": "Authorization, Accept"}
    if request.method == "GET" and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    form = forms.chosen(request.headers.get("accept", "*/*"))
    return Response(forms.formed(body, form), media_type=form, headers=headers)
