"""The routes that tell of the service itself: health, version, limits, metrics."""

from __future__ import annotations

import shutil

from fastapi import APIRouter, Request, Response

from nearkin.service import limits
from nearkin.service.access import ADMIN
from nearkin.service.answers import LIBRARY, Versions
from nearkin.service.metrics import KIND
from nearkin.service.problems import Problem
from nearkin.service.routes import errors, needs, router, service
from nearkin.tables import is_list

routes = router()
health = APIRouter()  # asks for no key
FLOOR_BYTES = 64 << 20  # free space below which nothing can be written


@health.get("/health/live", operation_id="live", openapi_extra={"security": []}, responses={200: {"content": {"text/plain": {}}}})
async def live() -> Response:
    """Whether the process answers at all."""
    return Response("ok", media_type="text/plain")


@health.get(
    "/health/ready", operation_id="ready", openapi_extra={"security": []}, responses={200: {"content": {"text/plain": {}}}, **errors()}
)
async def ready(request: Request) -> Response:
    """Whether it can read and write."""
    keeper = service(request).keeper
    if shutil.disk_usage(keeper.place).free < FLOOR_BYTES:
        raise Problem(503, "not ready")
    return Response("ok", media_type="text/plain")


@routes.get("/version", operation_id="version", responses={200: {"model": Versions}, **errors()})
async def version(request: Request) -> Versions:
    """Versions of the library, the interface, the catalogue and its stages."""
    shop = service(request).keeper.now.shop
    return Versions(library=LIBRARY, api="v1", catalogue=shop.version, stages=dict(shop.manifest.stages))


@routes.get("/v1/limits", operation_id="limits", responses=errors())
async def all_limits() -> dict[str, int]:
    """How much one request may ask."""
    return limits.told()


@routes.get("/v1/info", operation_id="info", responses=errors())
async def info(request: Request) -> dict[str, object]:
    """What the collection holds: counts, roles of the fields, which of them are lists, stages."""
    keeper = service(request).keeper
    view = keeper.now
    visible = view.keep(None, request.state.access.where)
    told = await keeper.read(view.shop.info, 10)
    told.pop("place")
    lists = [name for name, kind in view.types.items() if is_list(kind)]
    return {**told, "lists": lists, "things": int(visible.sum()) if visible is not None else len(view.catalog)}


@routes.get("/metrics", operation_id="metrics", responses={200: {"content": {"text/plain": {}}}, **errors()})
@needs(ADMIN)
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    here = service(request)
    here.metrics.items.set(len(here.keeper.now.catalog))
    here.metrics.version.set(here.keeper.now.version)
    here.metrics.waiting.set(here.room.waiting)
    return Response(here.metrics.text(), media_type=KIND)
