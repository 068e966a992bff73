"""The routes that tell of the service itself: health, version, limits, metrics."""

from __future__ import annotations

import shutil

from fastapi import APIRouter, Request, Response

from nearkin.service import limits
from nearkin.service.access import ADMIN
from nearkin.service.answers import LIBRARY, Versions
from nearkin.service.cut import is_calibrated
from nearkin.service.metrics import KIND, Metrics
from nearkin.service.problems import Problem
from nearkin.service.routes import errors, needs, router, service
from nearkin.service.view import View
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
    """Whether it can read and write: the stages are in memory and warm, the writer is there, the disk has room."""
    here = service(request)
    if not here.ready or shutil.disk_usage(here.keeper.place).free < FLOOR_BYTES:
        raise Problem(503, "not ready", headers={"Retry-After": "1"})
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
    told |= {"calibrated": is_calibrated(view), "drawn": "layout" in view.shop.manifest.stages}
    return {**told, "lists": lists, "things": int(visible.sum()) if visible is not None else len(view.catalog)}


@routes.get("/metrics", operation_id="metrics", responses={200: {"content": {"text/plain": {}}}, **errors()})
@needs(ADMIN)
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    here = service(request)
    return Response(await here.keeper.read(lambda: _measured(here.metrics, here.keeper.now), 10), media_type=KIND)


def _measured(metrics: Metrics, view: View) -> bytes:
    """What is counted as it happens, and what is looked up when asked."""
    metrics.items.set(len(view.catalog))
    metrics.version.set(view.version)
    metrics.unindexed.set(view.unindexed)
    for name, size in view.index_bytes.items():
        metrics.index_bytes.labels(name).set(size)
    return metrics.text()
