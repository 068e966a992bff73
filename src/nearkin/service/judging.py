"""The routes of judgements: say how well a thing answers a query, take it back, list and export what was said."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nearkin.service import eval_twins, face_routes, report_routes
from nearkin.service.access import WRITE
from nearkin.service.judgements import GRADES, Judgement, Judgements, known
from nearkin.service.rankings import not_there
from nearkin.service.requests import Id, Lax, Strict, Text
from nearkin.service.routes import NDJSON, access, errors, needs, router, service, written
from nearkin.service.view import View
from nearkin.service.writing import JSON, changed

routes = router()
for more in (report_routes.routes, eval_twins.routes, face_routes.routes):
    routes.include_router(more)
Asked = Annotated[Text, Field(min_length=1, description="the text of the query")]


class JudgeRequest(Strict):
    """How well a thing answers a query."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "red shoe", "item": "shoe", "grade": 3}]})
    query: Asked
    item: Id
    grade: Annotated[int, Field(ge=0, le=GRADES, description="0: does not fit; 3: could not fit better")]


class PairQuery(Lax):
    """A query and a thing."""

    query: Asked
    item: Id


class JudgementsQuery(Lax):
    """Which judgements; all where nothing is said."""

    query: Asked | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0


class JudgementBody(BaseModel):
    """by: the id of the key that said so; time: in whole seconds since 1970."""

    query_id: str
    query: str
    item: str
    grade: int
    by: str
    time: int


class Judged(BaseModel):
    """grade: the one that counts now, null where nobody judged the pair."""

    query: str
    item: str
    grade: int | None


class JudgementsBody(BaseModel):
    """In the order in which they were said; of things that are gone there are none."""

    version: int
    judgements: list[JudgementBody]
    total: int
    queries: int


@routes.put("/v1/judgements", operation_id="judge", responses={200: {"model": JudgementBody}, **errors(507)})
@needs(WRITE)
async def judge(asked: JudgeRequest, request: Request) -> Response:
    """Say how well a thing answers a query; what the same key said of them before no longer counts."""
    here, by = service(request), access(request).key or ""

    def change(_shop: Any, now: View) -> Judgement:
        if now.row(asked.item, None) < 0:
            raise not_there([("/item", asked.item)])
        return Judgements(here.state).put(asked.query, asked.item, asked.grade, by)

    made, _ = await changed(request, change)
    return Response(written(made.told()), media_type=JSON)


@routes.delete("/v1/judgements", operation_id="unjudge", responses={200: {"model": Judged}, **errors(507)})
@needs(WRITE)
async def unjudge(asked: Annotated[PairQuery, Query()], request: Request) -> Judged:
    """Take back what this key said of a pair, if it said anything; what another said then counts again."""
    here, by = service(request), access(request).key or ""

    def change(_shop: Any, _now: View) -> list[Judgement]:
        kept = Judgements(here.state)
        kept.remove(asked.query, asked.item, by)
        return kept.all(asked.query, asked.item)

    left, _ = await changed(request, change)
    return Judged(query=asked.query, item=asked.item, grade=left[0].grade if left else None)


@routes.get(
    "/v1/judgements", operation_id="judgements",
    responses={200: {"model": JudgementsBody, "content": {NDJSON: {}}}, **errors()},
)  # fmt: skip
async def judgements(asked: Annotated[JudgementsQuery, Query()], request: Request) -> Response:
    """What counts; as NDJSON all of it, a line each, as `nearkin evaluate` and `nearkin calibrate` read it."""
    here = service(request)
    view, baked = here.keeper.now, access(request).where
    found = await here.keeper.read(lambda: known(view.catalog, view.keep(None, baked), Judgements(here.state).all(asked.query)), 10)
    if NDJSON in request.headers.get("accept", ""):
        return Response(b"".join(written(each.told()) + b"\n" for each in found), media_type=NDJSON)
    page = found[asked.offset : asked.offset + asked.limit]
    return Response(
        written(
            {
                "version": view.version,
                "judgements": [each.told() for each in page],
                "total": len(found),
                "queries": len({each.query for each in found}),
            }
        ),
        media_type=JSON,
    )
