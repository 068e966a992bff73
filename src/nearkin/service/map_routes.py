"""The map of the collection as bytes, and the things of its points."""

from __future__ import annotations

import json
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from nearkin.collection.answers import title_of
from nearkin.service.answering import Asking
from nearkin.service.limits import IDS
from nearkin.service.problems import Problem, refused
from nearkin.service.requests import Name, Strict, Version, whole
from nearkin.service.routes import access, answered, errors, router, service, wait_for
from nearkin.service.view import View, plain

routes = router()
SPAN = 65535  # of a coordinate
VALUES = 60  # of a field that have a colour of their own
BYTES = "application/octet-stream"
Color = Annotated[Name | None, Query(description="a field whose values colour the points")]


class PointsRequest(Strict):
    """Points of the map, by their place among those that were sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rows": [0, 3]}]})
    rows: Annotated[list[Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(whole)]], Field(max_length=IDS)]
    version: Version | None = None
    timeout_ms: int = Field(default=5_000, ge=1, le=60_000)


class PointBody(BaseModel):
    id: str
    title: str


class PointsBody(BaseModel):
    version: int
    things: list[PointBody]


@routes.get("/v1/map", operation_id="map", responses={200: {"content": {BYTES: {}}}, **errors()})
async def points(
    request: Request, color: Annotated[Name | None, Query(description="a field whose values colour the points")] = None
) -> Response:
    """All points: the length of a header (uint32), the header (JSON), x and y (uint16), and a code a point for the colour.

    404 where the map was never drawn.
    """
    await wait_for(request, service(request))
    view, baked = service(request).keeper.now, access(request).where
    tag = f'"{view.version}-{color or ""}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    body = await service(request).keeper.read(lambda: encoded(view, view.keep(None, baked), color), 60)
    return Response(body, media_type=BYTES, headers={"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"})


@routes.post("/v1/map:things", operation_id="map_things", responses={200: {"model": PointsBody}, **errors(410)})
async def things(asked: PointsRequest, request: Request) -> Response:
    """Ids and titles of some points."""
    return await answered(request, asked, _things, "map")


def _things(asked: PointsRequest, asking: Asking) -> dict[str, Any]:
    view = asking.at(asked.version)
    visible = _rows(view, view.keep(None, asking.baked))
    if wrong := [(place, row) for place, row in enumerate(asked.rows) if row >= len(visible)]:
        raise refused(f"the map has {len(visible)} points, and no point {wrong[0][1]}", "point", f"/rows/{wrong[0][0]}")
    texts, own = view.catalog.fields("text"), view.catalog.id_field
    told = [{"id": thing[own], "title": title_of(thing, thing[own], texts)} for thing in view.things(visible[asked.rows], texts)]
    return {"version": view.version, "things": told}


def _rows(view: View, keep: np.ndarray | None) -> np.ndarray:
    return np.arange(len(view.catalog)) if keep is None else np.flatnonzero(keep)


def encoded(view: View, keep: np.ndarray | None, color: str | None) -> bytes:
    """The map as the page reads it; coordinates fill the square, both axes by one scale."""
    layout = view.shop.layout
    if layout is None:
        raise Problem(404, "the map of this collection was never drawn; draw it with: nearkin layout PLACE")
    rows = _rows(view, keep)
    places = layout.places[rows]
    low, high = (layout.places.min(0), layout.places.max(0)) if len(layout.places) else (np.zeros(2), np.ones(2))
    scale = SPAN / max(float((high - low).max()), 1e-9)

    def scaled(spots: np.ndarray) -> np.ndarray:
        return np.clip((spots - (low + high) / 2) * scale + SPAN / 2, 0, SPAN).round().astype("<u2")

    columns, codes = ([], b"") if color is None else _coloured(view, rows, color)
    header = {
        "version": view.version, "count": len(rows), "columns": columns, "fields": view.countable,
        "words": [[word, int(x), int(y)] for word, (x, y) in zip(layout.words, scaled(layout.spots))],
    }  # fmt: skip
    told = json.dumps(header, ensure_ascii=False).encode()
    told += b" " * (-len(told) % 4)
    spots = scaled(places)
    return len(told).to_bytes(4, "little") + told + spots[:, 0].tobytes() + spots[:, 1].tobytes() + codes


def _coloured(view: View, rows: np.ndarray, color: str) -> tuple[list[dict[str, Any]], bytes]:
    """The values of the field that most points have, and which of them each point has first; the code after the last: another, or none."""
    if color not in view.countable:
        raise refused(f"{color[:80]!r} has no values to colour by; the fields that have are {view.countable}", "field", "/color")
    values = view.values(color)
    order = np.argsort(-values.counts(None), kind="stable")[:VALUES]
    code_of = np.full(len(values.names), len(order), np.uint8)
    code_of[order] = np.arange(len(order))
    codes = np.full(len(view.catalog), len(order), np.uint8)
    codes[values.owners[::-1]] = code_of[values.codes[::-1]]  # backwards, so that the first value of a thing stays
    return [{"field": color, "values": [str(plain(values.names[code])) for code in order]}], codes[rows].tobytes()
