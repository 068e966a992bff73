"""The routes that read: search, similar, recommend, explain, compare, items."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from nearkin.service import answering, comparing
from nearkin.service import answers as told
from nearkin.service import query_strings as strings
from nearkin.service import requests as asks
from nearkin.service.forms import ARROW, NDJSON
from nearkin.service.problems import Problem
from nearkin.service.routes import access, answered, errors, router, service, wait_for, written

routes = router()
ItemId = Annotated[str, Path(min_length=1, max_length=512, description="percent-encoded")]


def _ok(model: type) -> dict[int | str, dict[str, object]]:
    return {200: {"model": model, "content": {NDJSON: {}, ARROW: {"schema": {"type": "string", "format": "binary"}}}}, **errors(406, 410)}


@routes.post("/v1/search", operation_id="search", responses=_ok(told.Found))
async def search(asked: asks.SearchRequest, request: Request) -> Response:
    """The things nearest to each query, by words and by meaning."""
    return await answered(request, asked, answering.search, "search")


@routes.get("/v1/search", operation_id="search_get", responses=_ok(told.Found))
async def search_get(asked: Annotated[strings.SearchQuery, Query()], request: Request) -> Response:
    """The same for one text."""
    return await answered(request, asks.SearchRequest(**asked.told(queries=[asked.q])), answering.search, "search")


@routes.post("/v1/similar", operation_id="similar", responses=_ok(told.Found))
async def similar(asked: asks.SimilarRequest, request: Request) -> Response:
    """The things most like each of these."""
    return await answered(request, asked, answering.similar, "similar")


@routes.get("/v1/similar", operation_id="similar_get", responses=_ok(told.Found))
async def similar_get(asked: Annotated[strings.SimilarQuery, Query()], request: Request) -> Response:
    """The same by query string."""
    return await answered(request, asks.SimilarRequest(**asked.told(ids=asked.id)), answering.similar, "similar")


@routes.post("/v1/recommend", operation_id="recommend", responses=_ok(told.Found))
async def recommend(asked: asks.RecommendRequest, request: Request) -> Response:
    """What comes next after each history."""
    return await answered(request, asked, answering.recommend, "recommend")


@routes.get("/v1/recommend", operation_id="recommend_get", responses=_ok(told.Found))
async def recommend_get(asked: Annotated[strings.RecommendQuery, Query()], request: Request) -> Response:
    """The same for one history."""
    return await answered(request, asks.RecommendRequest(**asked.told()), answering.recommend, "recommend")


@routes.post("/v1/explain", operation_id="explain", responses=_ok(told.Explained))
async def explain(asked: asks.ExplainRequest, request: Request) -> Response:
    """Why one thing is an answer to one query."""
    return await answered(request, asked, answering.explain, "explain")


@routes.get("/v1/explain", operation_id="explain_get", responses=_ok(told.Explained))
async def explain_get(asked: Annotated[strings.ExplainQuery, Query()], request: Request) -> Response:
    """The same by query string."""
    body = asked.model_dump(exclude={"q"}, exclude_none=True)
    return await answered(request, asks.ExplainRequest(query=asked.q, **body), answering.explain, "explain")


@routes.post("/v1/compare", operation_id="compare", responses=_ok(told.Compared))
async def compare(asked: asks.CompareRequest, request: Request) -> Response:
    """One query answered by two stages, side by side."""
    return await answered(request, asked, comparing.compare, "compare")


@routes.get("/v1/compare", operation_id="compare_get", responses=_ok(told.Compared))
async def compare_get(asked: Annotated[strings.CompareQuery, Query()], request: Request) -> Response:
    """The same by query string."""
    body = {**asked.model_dump(exclude={"q"}, exclude_none=True), **({} if asked.q is None else {"query": asked.q})}
    return await answered(request, asks.CompareRequest.model_validate(body), comparing.compare, "compare")


@routes.post("/v1/items:query", operation_id="items", responses=_ok(told.Items))
async def items(asked: asks.ItemsRequest, request: Request) -> Response:
    """Things by id, or those that a filter holds for."""
    return await answered(request, asked, answering.items, "items")


@routes.get("/v1/items/{item_id:path}", operation_id="get", responses={200: {"model": told.Item}, **errors()})
async def get(item_id: ItemId, request: Request) -> Response:
    """One thing, with an ETag that changes when it does."""
    view = await wait_for(request, service(request))

    def found() -> tuple[str, bytes]:
        row = view.row(item_id, view.keep(None, access(request).where))
        if row < 0:
            raise Problem(404, f"there is no thing with the id {item_id[:100]!r}")
        return view.etag(row), written({"version": view.version, "item": view.things([row])[0]})

    etag, body = await service(request).keeper.read(found, 10)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
