"""The twins of the views of kept matches."""

from __future__ import annotations

from fastapi import Request, Response

from nearkin.service.match_bodies import PairQuery, PairsQuery, Twin
from nearkin.service.match_routes import NEWEST, PairId, one_pair, pairs
from nearkin.service.routes import router

routes = router()
SHOWN = 20  # pairs on a page of the view


@routes.get("/match.json", include_in_schema=False)
async def pairs_twin(request: Request) -> Response:
    """What the view of the pairs of a match shows."""
    told = {**request.query_params, "page": request.query_params.get("page", "1")}
    asked = Twin.model_validate({name: told[name] for name in ("band", "threshold", "page") if name in told})
    page = PairsQuery(band=asked.band, threshold=asked.threshold, offset=(asked.page - 1) * SHOWN, k=SHOWN)
    return await pairs(told.get("id", NEWEST), page, request)


@routes.get("/match/{pair}.json", include_in_schema=False)
async def pair_twin(pair: PairId, request: Request) -> Response:
    """What the view of one pair shows."""
    told = request.query_params
    asked = PairQuery.model_validate({name: told[name] for name in ("threshold",) if name in told})
    return await one_pair(told.get("id", NEWEST), pair, asked, request)
