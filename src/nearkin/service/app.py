"""The service as one ASGI application."""

from __future__ import annotations

import logging
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nearkin.errors import NearkinError, StorageError
from nearkin.service import (
    about,
    admin_routes,
    job_events,
    job_routes,
    judging,
    key_routes,
    map_routes,
    match_routes,
    match_twins,
    paper_routes,
    reading,
    twins,
    writing,
)
from nearkin.service.answers import LIBRARY
from nearkin.service.guard import Guard
from nearkin.service.hub import Service
from nearkin.service.openapi import describe
from nearkin.service.page import Page
from nearkin.service.part import Part
from nearkin.service.problems import Flaw, Problem, flaws_of, problem_of
from nearkin.service.settings import DEFAULTS, Settings

log = logging.getLogger("nearkin.service")
ROUTES = (
    about.health,
    about.routes,
    reading.routes,
    writing.routes,
    job_routes.routes,
    job_events.routes,
    key_routes.routes,
    admin_routes.routes,
    paper_routes.routes,
    judging.routes,
    map_routes.routes,
    match_routes.routes,
    match_twins.routes,
    twins.routes,
)


def create_app(place: str | Path, *, settings: Settings = DEFAULTS, part: Part | None = None, early: bool = False) -> Page:
    """The service of the collection in this folder, and its page.

    `part`: one process of a service of several. `early`: it is there, and says that it is not ready, before its stages are warm.
    """
    here = Service(Path(place), settings, part=part, early=early)
    app = FastAPI(
        title="nearkin", version=LIBRARY, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False,
        lifespan=here.running, separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.service = here
    for routes in ROUTES:
        app.include_router(routes)
    for kind in (Problem, NearkinError, RequestValidationError, ValidationError, HTTPException):
        app.add_exception_handler(kind, _told)
    describe(app)
    guard = Guard(
        app, who=here.keys.who, room=here.room, metrics=here.metrics, rate=here.rate, before=here.before,
        patience_s=settings.patience_s, quiet=here.behind_workers,
    )  # fmt: skip
    return Page(guard)


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, StorageError):  # the answer does not say where it lies
        log.error("request %s failed", request.state.request_id, exc_info=error)
    return _problem(request, error).response(request.state.request_id)


def _problem(request: Request, error: Exception) -> Problem:
    if isinstance(error, HTTPException) and not isinstance(error, Problem):
        return Problem(error.status_code, _detail(request, error), headers=error.headers)
    if isinstance(error, ValidationError):  # a query string that its own body refused
        return Problem(
            422, "the request is not understood", flaws=flaws_of({**each, "loc": ("query", *each["loc"])} for each in error.errors())
        )
    if not isinstance(error, RequestValidationError):
        return problem_of(error)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return Problem(400, "the body is no JSON", flaws=[Flaw(str(found[0]["ctx"]["error"]), "json", "", column=found[0]["loc"][-1])])
    known = _names(request)
    flaws = flaws_of(found, known)
    return Problem(422, flaws[0].message if len(flaws) == 1 else f"{len(flaws)} things to mend", flaws=flaws)


def _detail(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return "there is nothing at this path; what there is stands in /v1/openapi.json"
    if error.status_code == 405:
        return f"this path does not know the method {request.method[:20]!r}"
    return str(error.detail)


def _names(request: Request) -> list[str]:
    """What the body or query string of this route may hold."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return []
    kinds = [field.field_info.annotation for field in (*dependant.body_params, *dependant.query_params)]
    return [name for kind in kinds for name in getattr(kind, "model_fields", {})]
