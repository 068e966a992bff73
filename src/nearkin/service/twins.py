"""Each view of the page has a twin: its address with `.json` behind, answered with the body that the view itself shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from fastapi import Request, Response

from nearkin.service import answering, comparing, face_routes
from nearkin.service import requests as asks
from nearkin.service.cut import SHARE, is_calibrated
from nearkin.service.problems import refused
from nearkin.service.routes import answered, router, service
from nearkin.service.view import View
from nearkin.tables import is_list

routes = router()
FACET = "f."  # before the name of a field whose value was chosen
NEIGHBOURS, COMPARED, NEXT = 12, 10, 20  # hits that these views show
FACES = {"code": face_routes.code, "hits": face_routes.found_by}


@routes.get("/.json", include_in_schema=False)
async def search(request: Request) -> Response:
    """What the view of search shows."""
    view, told = service(request).keeper.now, request.query_params
    where = joined([told.get("where"), *(chosen(view, name, value) for name, value in told.multi_items() if name.startswith(FACET))])
    facets = [name for name, role in view.catalog.roles.items() if role == "category"]
    asked = {
        "queries": [told.get("q", "")],
        "where": where,
        "stage": told.get("stage"),
        "facets": facets,
        "explain": True,
        "highlight": True,
    }
    least = number(told, "cut") or None
    cut = SHARE if least is None and is_calibrated(view) else None
    numbers = {"offset": number(told, "offset"), "version": number(told, "v"), "min_relevance": least, "cut": cut}
    return await answered(request, asks.SearchRequest.model_validate(given(asked | numbers)), answering.search, "search")


@routes.get("/item/{name:path}.json", include_in_schema=False)
async def similar(name: str, request: Request) -> Response:
    """What the view of a thing shows: its neighbours, its code, or the queries that return it."""
    told = request.query_params
    if (face := FACES.get(told.get("face", ""))) is not None:
        given_stage = given({"id": name, "stage": told.get("stage"), "version": number(told, "v")})
        return await face(face_routes.FaceQuery.model_validate(given_stage), request)
    asked = {"ids": [name], "k": NEIGHBOURS, "explain": True, "stage": told.get("stage"), "version": number(told, "v")}
    return await answered(request, asks.SimilarRequest.model_validate(given(asked)), answering.similar, "similar")


@routes.get("/next.json", include_in_schema=False)
async def recommend(request: Request) -> Response:
    """What the view of what comes next shows."""
    told = request.query_params
    asked = {"after": told.getlist("after"), "k": NEXT, "explain": True, "where": told.get("where")}
    asked |= {"diversity": number(told, "diversity"), "version": number(told, "v")}
    return await answered(request, asks.RecommendRequest.model_validate(given(asked)), answering.recommend, "recommend")


@routes.get("/compare.json", include_in_schema=False)
async def compare(request: Request) -> Response:
    """What the view of two stages side by side shows."""
    told = request.query_params
    after = told.getlist("after") if not told.get("q") and "id" not in told else []
    query = {"id": told["id"]} if "id" in told and not told.get("q") else told.get("q", "")
    first, second = ("all", comparing.RECOMMEND) if after else (service(request).keeper.now.stages[0], "all")
    asked: dict[str, Any] = {
        "a": told.get("a", first),
        "b": told.get("b", second),
        "where": told.get("where"),
        "version": number(told, "v"),
    }
    asked |= {"after": after} if after else {"query": query}
    k = number(told, "k") or COMPARED
    return await answered(request, asks.CompareRequest.model_validate(given(asked | {"k": k})), comparing.compare, "compare")


def chosen(view: View, name: str, value: str) -> str:
    """The filter of one chosen value of a field, whose type says how it is written."""
    field = name.removeprefix(FACET)
    if field not in view.types:
        raise refused(f"there is no field {field[:80]!r} to choose a value of", "field", f"/{name[:80]}")
    kind = view.types[field]
    many = is_list(kind)
    inner = kind.value_type if many else kind
    literal = "'" + value.replace("'", "''") + "'" if pa.types.is_string(inner) or pa.types.is_temporal(inner) else value
    return f"array_has(`{field}`, {literal})" if many else f"`{field}` = {literal}"


def joined(parts: Iterable[str | None]) -> str | None:
    """All of these filters at once."""
    said = [part for part in parts if part]
    return " AND ".join(f"({part})" for part in said) if said else None


def number(told: Any, name: str) -> float | int | None:
    """A number of the query string; refused where it is none."""
    if (value := told.get(name)) is None:
        return None
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        raise refused(f"{name} is a number, got {value[:40]!r}", "number", f"/{name}") from None


def given(asked: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said."""
    return {name: value for name, value in asked.items() if value is not None}
