"""The routes of the faces of a thing: its code, the queries that return it, its place among its neighbours."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nearkin.service import faces
from nearkin.service.access import ADMIN
from nearkin.service.answering import Asking
from nearkin.service.judgements import Judgements
from nearkin.service.requests import Id, Lax, Name, Version
from nearkin.service.routes import access, answered, errors, router, service

routes = router()


class FaceQuery(Lax):
    """A thing; `stage` finds its neighbours, or answers the queries."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "shoe"}]})
    id: Id
    stage: Name | None = None
    version: Version | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=60_000)] = 60_000


class Named(BaseModel):
    id: str
    title: str


class Level(BaseModel):
    """others: things that have the same symbols up to this level."""

    symbol: int
    of: int
    others: int


class Sharing(BaseModel):
    """Things that share so many symbols; the first of them by name."""

    shared: int
    total: int
    things: list[Named]


class CodeBody(BaseModel):
    """siblings: those with the longest prefix that anything else has; near: those with all symbols but one the same."""

    version: int
    took_ms: float
    id: str
    source: str
    levels: list[Level]
    siblings: Sharing
    near: Sharing


class Returning(BaseModel):
    """rank: from 1; grade: what was judged of this query and this thing."""

    query: str
    rank: int
    grade: int | None


class FoundByBody(BaseModel):
    """source: `judged` queries; where none returns the thing, those `seen` last (where queries are logged, for keys with the scope
    admin); else its `neighbours`, whose titles were asked; tried: how many of them."""

    version: int
    took_ms: float
    id: str
    source: str
    tried: int
    queries: list[Returning]


class Spot(Named):
    at: tuple[int, int]


class AroundBody(BaseModel):
    """Places within a square of 1000 by 1000; others: of all the things there, at most 600."""

    version: int
    took_ms: float
    id: str
    at: tuple[int, int]
    near: list[Spot]
    others: list[tuple[int, int]]
    all: int


@routes.get("/v1/code", operation_id="code", responses={200: {"model": CodeBody}, **errors(406, 410)})
async def code(asked: Annotated[FaceQuery, Query()], request: Request) -> Response:
    """The symbols that name a thing from coarse to fine, and which things share them."""
    return await answered(request, asked, faces.code, "code")


@routes.get("/v1/found-by", operation_id="found_by", responses={200: {"model": FoundByBody}, **errors(406, 410)})
async def found_by(asked: Annotated[FaceQuery, Query()], request: Request) -> Response:
    """The queries that return a thing, and at which rank."""
    here, who = service(request), access(request)
    judgements = Judgements(here.state)
    seen = here.seen.last(faces.TRIED) if ADMIN in who.scopes and who.where is None else []  # what others asked is not for everyone

    def answer(asked: Any, asking: Asking) -> dict[str, Any]:
        return faces.found_by(asked, asking, judgements.all(), seen)

    told = await answered(request, asked, answer, "found_by")
    del told.headers["ETag"]  # what was judged changes without a new version of the catalogue
    told.headers["Cache-Control"] = "no-store"
    return told


@routes.get("/v1/around", operation_id="around", responses={200: {"model": AroundBody}, **errors(406, 410)})
async def around(asked: Annotated[FaceQuery, Query()], request: Request) -> Response:
    """A small map: a thing, its neighbours, and what else is there."""
    return await answered(request, asked, faces.around, "around")
