"""The routes that write: one thing, many, links; durable, and seen by all who ask, when answered."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, Any, TypeVar

import pyarrow as pa
from fastapi import Body, Header, Query, Request, Response

from nearkin.collection import Collection
from nearkin.service import answers as told
from nearkin.service import bulk, changes, unfinished
from nearkin.service.access import WRITE
from nearkin.service.changes import Condition
from nearkin.service.reading import ItemId
from nearkin.service.replies import Reply
from nearkin.service.requests import LinksRequest
from nearkin.service.routes import NDJSON, access, errors, needs, router, service, written
from nearkin.service.view import View

T = TypeVar("T")
routes = router()
Fields = Annotated[dict[str, Any], Body(description="the fields of the thing", examples=[{"title": "red shoe", "price": 40}])]
OnceKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[ -~]+$", description="the same again is done once"),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
JSON = "application/json"


async def changed(request: Request, change: Callable[[Collection, View], T]) -> tuple[T, View]:
    """Do this in the writing thread, which has seen all writes before it."""
    here, began = service(request), time.perf_counter()
    done = await here.keeper.write(lambda shop: change(shop, here.keeper.now))
    here.metrics.writes.observe(time.perf_counter() - began)
    return done


async def once(request: Request, key: str | None, digest: bytes, work: Callable[[], Awaitable[Reply]]) -> Response:
    """Do the work, or answer as before when it was done under this key already."""
    if key is None:
        return _response(await work())
    replies, name = service(request).replies, reply_name(request, key)
    whole = blake2b(digest + f"{request.method} {request.url.path}?{request.url.query}".encode(), digest_size=16).digest()
    kept = replies.begin(name, whole)
    if kept is not None:
        return _response(kept)
    try:
        reply = await work()
    except BaseException:
        replies.forget(name)
        raise
    replies.end(name, reply)
    return _response(reply)


def reply_name(request: Request, key: str) -> str:
    """An Idempotency-Key of this caller."""
    return f"{access(request).key or ''}/{key}"


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, media_type=reply.kind)


def _one(view: View, name: str, created: bool) -> Response:
    row = view.row(name, None)
    headers = {"ETag": view.etag(row)} if row >= 0 else {}
    body = written({"version": view.version, "id": name, "created": created})
    return Response(body, 201 if created else 200, media_type=JSON, headers=headers)


_ITEM: dict[int | str, dict[str, Any]] = {200: {"model": told.Written}, **errors(412, 507)}


@routes.put("/v1/items/{item_id:path}", operation_id="put", responses={201: {"model": told.Written}, **_ITEM})
@needs(WRITE)
async def put(item_id: ItemId, thing: Fields, request: Request, match: IfMatch = None, none_match: IfNoneMatch = None) -> Response:
    """Add a thing, or replace all of it."""
    here, condition, began = service(request), Condition(match, none_match), time.perf_counter()
    whole = changes.named(here.keeper.now, item_id, thing)
    if condition == Condition():
        created, view = await here.groups.put(item_id, whole)
        here.metrics.writes.observe(time.perf_counter() - began)
    else:
        created, view = await changed(request, lambda shop, now: changes.put(shop, now, item_id, whole, condition))
    return _one(view, item_id, created)


@routes.patch("/v1/items/{item_id:path}", operation_id="patch", responses=_ITEM)
@needs(WRITE)
async def patch(item_id: ItemId, change: Fields, request: Request, match: IfMatch = None) -> Response:
    """Replace some fields of a thing; null takes a value away."""
    _, view = await changed(request, lambda shop, now: changes.patch(shop, now, item_id, change, Condition(match)))
    return _one(view, item_id, False)


@routes.delete("/v1/items/{item_id:path}", operation_id="delete", responses=_ITEM)
@needs(WRITE)
async def delete(item_id: ItemId, request: Request, match: IfMatch = None) -> Response:
    """Remove a thing, and the links from and to it; no answer names it from now on."""
    _, view = await changed(request, lambda shop, now: changes.delete(shop, now, item_id, Condition(match)))
    return _one(view, item_id, False)


_LINES = {"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}, "example": '{"delete": "shoe"}\n'}}}}


@routes.post("/v1/items:bulk", operation_id="bulk", openapi_extra=_LINES, responses={200: {"content": {NDJSON: {}}}, **errors(409, 507)})
@needs(WRITE, NDJSON)
async def many(request: Request, atomic: Annotated[bool, Query()] = False, key: OnceKey = None) -> Response:
    """Many puts, patches and deletes, a line each; answered a line each, and one that sums up."""
    file, digest = await bulk.spooled(request.stream())
    do = bulk.write_all if atomic else bulk.write

    async def work() -> Reply:
        lines, view = await changed(request, lambda shop, _now: do(shop, file))
        good = sum(line["status"] < 400 for line in lines)
        summary = {"summary": {"version": view.version, "ok": good, "failed": len(lines) - good}}
        return Reply(200, NDJSON, b"\n".join([*map(written, lines), written(summary), b""]))

    with file:
        return await once(request, key, digest, work)


@routes.post("/v1/links", operation_id="add_links", responses={200: {"model": told.LinksWritten}, **errors(409, 507)})
@needs(WRITE)
async def links(asked: LinksRequest, request: Request, key: OnceKey = None) -> Response:
    """Add what people did, or edges between things."""

    def noted(table: pa.Table) -> None:
        if key is not None:
            here = service(request)
            here.replies.intend(reply_name(request, key), unfinished.last_piece(here.keeper.place), unfinished.packed(table), len(table))

    async def work() -> Reply:
        count, view = await changed(request, lambda shop, _now: changes.add_links(shop, asked.links, noted))
        return Reply(200, JSON, written({"version": view.version, "links": count}))

    return await once(request, key, blake2b(await request.body(), digest_size=16).digest(), work)
