"""The routes of keys: who may ask, told without the keys themselves; a new one is shown once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nearkin.errors import BadInput
from nearkin.service.access import ADMIN
from nearkin.service.problems import Problem, refused
from nearkin.service.requests import Strict, Where
from nearkin.service.routes import errors, needs, router, service, written

routes = router()
KeyId = Annotated[str, Path(min_length=1, max_length=64, description="the middle of `nk_<id>_<secret>`")]
MOST_DAYS, MOST_RATE = 36_500, 1_000_000


class KeyRequest(Strict):
    """A key to make: what it may do, whom it is for, what it may see, how long it holds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scopes": ["read"], "name": "the shop window", "days": 90}]})
    scopes: Annotated[list[Literal["read", "write", "admin"]], Field(min_length=1, max_length=3, default_factory=lambda: ["read"])]
    name: Annotated[str, Field(max_length=200)] = ""
    where: Where | None = Field(default=None, description="a filter baked in; such a key may only read")
    days: Annotated[float, Field(gt=0, le=MOST_DAYS, strict=False, allow_inf_nan=False)] | None = None
    rate: Annotated[float, Field(gt=0, le=MOST_RATE, strict=False, allow_inf_nan=False, description="requests a second")] | None = None


class KeyBody(BaseModel):
    """What is known of a key; times in seconds since 1970."""

    id: str
    name: str
    scopes: list[str]
    filter: str | None
    made: float
    expires: float | None
    used: float | None
    rate: float | None


class KeyMade(BaseModel):
    """The key itself stands here and nowhere else: only its hash is kept."""

    id: str
    key: str


class KeysBody(BaseModel):
    keys: list[KeyBody]


def listed(request: Request) -> list[dict[str, Any]]:
    """All keys, oldest first, as they are told."""
    return [{**row, "scopes": row["scopes"].split(",")} for row in service(request).keys.listed()]


@routes.get("/v1/keys", operation_id="keys", responses={200: {"model": KeysBody}, **errors()})
@needs(ADMIN)
async def all_keys(request: Request) -> KeysBody:
    """All keys, oldest first, without their secrets."""
    return KeysBody(keys=[KeyBody(**told) for told in listed(request)])


@routes.post("/v1/keys", operation_id="add_key", status_code=201, responses={201: {"model": KeyMade}, **errors()})
@needs(ADMIN)
async def add(asked: KeyRequest, request: Request) -> Response:
    """Make a key; from the first one on, nobody is answered without one. Refused: a filter for more than reading."""
    here = service(request)
    if asked.where is not None:
        here.keeper.now.keep(asked.where)
    try:
        key = here.keys.add(asked.scopes, name=asked.name, where=asked.where, days=asked.days, rate=asked.rate)
    except BadInput as error:
        raise refused(str(error), "scopes", "/scopes") from error
    body = written({"id": key.split("_", 2)[1], "key": key})
    return Response(body, 201, media_type="application/json", headers={"Cache-Control": "no-store"})


@routes.delete("/v1/keys/{key}", operation_id="revoke", status_code=204, response_class=Response, responses=errors())
@needs(ADMIN)
async def revoke(key: KeyId, request: Request) -> Response:
    """Take a key back: it lets nobody in from now on."""
    try:
        service(request).keys.remove(key)
    except BadInput:
        raise Problem(404, f"there is no key {key[:80]!r}") from None
    return Response(status_code=204)
