"""What those who keep a collection look at: its versions, its size, its stages; and the twin of their view."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from nearkin.collection import Collection
from nearkin.service import key_routes
from nearkin.service.access import ADMIN, WRITE
from nearkin.service.routes import access, errors, needs, router, service, written

routes = router()
SHOWN = 50  # versions, newest first


class VersionBody(BaseModel):
    """time: when it was written, seconds since 1970."""

    version: int
    time: float


class StageBody(BaseModel):
    """A fitted stage: stamp, the name of its folder, new at each fit; made: seconds since 1970."""

    name: str
    stamp: str
    made: float
    size_bytes: int


class VersionsBody(BaseModel):
    """version: the one that answers now; layout: things on the map, null where it was never drawn."""

    version: int
    versions: list[VersionBody]
    size_bytes: int
    things: int
    links: int
    layout: int | None
    stages: list[StageBody]


@routes.get("/v1/versions", operation_id="versions", responses={200: {"model": VersionsBody}, **errors()})
@needs(WRITE)
async def versions(request: Request) -> Response:
    """The versions that can be asked, newest first, and what the collection takes on the disk."""
    return Response(written(await _versions(request)), media_type="application/json")


@routes.get("/admin.json", include_in_schema=False)
@needs(WRITE)
async def admin(request: Request) -> Response:
    """What the view of those who keep the collection shows; jobs and keys are for the scope `admin`."""
    may = ADMIN in access(request).scopes
    jobs = service(request).jobs.all() if may else None
    told = {"versions": await _versions(request), "jobs": jobs, "keys": key_routes.listed(request) if may else None}
    return Response(written(told), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _versions(request: Request) -> dict[str, Any]:
    keeper = service(request).keeper
    return await keeper.read(lambda: told(keeper.now.shop), 10)


def told(shop: Collection) -> dict[str, Any]:
    """Versions, size, map and stages of a collection."""
    info, drawn = shop.info(), shop.layout
    every = [{"version": each["version"], "time": each["time"].timestamp()} for each in shop.versions()]
    return {
        "version": shop.version,
        "versions": every[::-1][:SHOWN],
        "size_bytes": info["size_bytes"],
        "things": info["things"],
        "links": info["links"],
        "layout": None if drawn is None else len(drawn.seqs),
        "stages": stages(shop.place, shop.manifest.stages),
    }


def stages(place: Path, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """The fitted stages that answer now; one whose files a compaction takes away meanwhile is left out."""
    found = []
    for name, stamp in sorted(named.items()):
        folder = place / "stages" / stamp
        with suppress(FileNotFoundError):
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            found.append({"name": name, "stamp": stamp, "made": folder.stat().st_mtime, "size_bytes": sum(sizes)})
    return found
