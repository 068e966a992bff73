"""The routes of matching: rows of a request, and the pairs of matches that jobs made, for people to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nearkin.service import limits as at_most
from nearkin.service.access import ADMIN, WRITE
from nearkin.service.forms import ARROW, NDJSON
from nearkin.service.match_views import Shown
from nearkin.service.matches import told
from nearkin.service.matching import Band, MatchedBody, MatchRequest, Threshold, WhyBody, match
from nearkin.service.problems import Problem
from nearkin.service.requests import Lax, Strict
from nearkin.service.routes import access, answered, errors, needs, router, service, wait_for, written
from nearkin.service.verdicts import Verdict
from nearkin.service.writing import JSON, changed

T = TypeVar("T")
routes = router()
NEWEST = "newest"
SHOWN = 20  # pairs on a page of the view
MatchId = Annotated[str, Path(max_length=64, description=f"the id of a kept match, or `{NEWEST}`")]
PairId = Annotated[int, Path(ge=0, lt=2**31)]


_TABLE = {"schema": {"type": "string", "format": "binary"}}
_MATCHED: dict[int | str, dict[str, Any]] = {
    200: {"model": MatchedBody, "content": {NDJSON: {}, ARROW: _TABLE}},
    **errors(406, 410),
}


class PairsQuery(Lax):
    """Which pairs of a match."""

    band: Band = "maybe"
    threshold: Threshold = 0.9
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    k: Annotated[int, Field(ge=1, le=at_most.K)] = 20
    explain: bool = Field(default=False, description="both sides of each pair whole, and what speaks for and against it")


class PairQuery(Lax):
    """What decides the band of a pair."""

    threshold: Threshold = 0.9


class Twin(Lax):
    """The query string of the view."""

    band: Band = "maybe"
    threshold: Threshold = 0.9
    page: Annotated[int, Field(ge=1, lt=2**20)] = 1


class VerdictRequest(Strict):
    """What a person says of a pair; null takes it back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "same"}]})
    verdict: Verdict | None


class MatchBody(BaseModel):
    """A kept match. name: the table, null where the collection was matched with itself; rows: of the table; version: of the catalogue."""

    id: str
    made: float
    name: str | None
    where: str | None
    version: int
    one_to_one: bool
    rows: int
    pairs: int
    columns: list[list[str]]
    scale: Literal["log-odds", "likeness"]
    expected: float | None
    precision: float | None
    warnings: list[str]


class MatchesBody(BaseModel):
    """Newest first."""

    version: int
    matches: list[MatchBody]


class JudgedBody(BaseModel):
    """foretold_same: how many of the pairs judged same or different were the same by their chances; null without an estimate."""

    same: int
    different: int
    unsure: int
    foretold_same: float | None


class PairBody(BaseModel):
    """A row (left) and a thing (right)."""

    pair: int
    left: str
    right: str
    left_title: str
    right_title: str
    chance: float | None
    score: float
    band: Band
    verdict: Verdict | None
    left_fields: dict[str, Any] | None = None
    right_fields: dict[str, Any] | None = None
    why: WhyBody | None = None


class PairsBody(BaseModel):
    """The pairs of one band, surest first. gone: pairs not shown, since one of their things was removed."""

    version: int
    match: MatchBody
    threshold: float
    band: Band
    bands: dict[Band, int]
    gone: int
    offset: int
    total: int
    pairs: list[PairBody]
    judged: JudgedBody
    may_judge: bool


class OnePairBody(PairBody):
    """One pair. place, total: within its band; before, next: its neighbours there; changed: a thing was written since."""

    version: int
    match: MatchBody
    threshold: float
    place: int
    total: int
    before: int | None
    next: int | None
    changed: bool
    may_judge: bool


class VerdictBody(BaseModel):
    match: str
    pair: int
    verdict: Verdict | None
    judged: JudgedBody


@routes.post("/v1/match", operation_id="match", responses=_MATCHED)
async def match_rows(asked: MatchRequest, request: Request) -> Response:
    """Which thing each of these rows is, with the chance that it is the same, and none where there is none."""
    return await answered(request, asked, match, "match")


@routes.get("/v1/matches", operation_id="matches", responses={200: {"model": MatchesBody}, **errors()})
async def all_matches(request: Request) -> Response:
    """The matches that jobs made, newest first; keys with a filter see none of them."""
    here = _open_to(request)
    found = await here.keeper.read(here.matches.all, 10)
    return _json({"version": here.keeper.now.version, "matches": [told(each) for each in found]})


@routes.get("/v1/matches/{match}", operation_id="match_pairs", responses={200: {"model": PairsBody}, **errors()})
async def pairs(match: MatchId, asked: Annotated[PairsQuery, Query()], request: Request) -> Response:
    """The pairs of one band, and how many there are in each."""
    return await _shown(request, match, lambda shown: shown.page(asked.band, asked.threshold, asked.offset, asked.k, explain=asked.explain))


@routes.get("/v1/matches/{match}/pairs/{pair}", operation_id="match_pair", responses={200: {"model": OnePairBody}, **errors()})
async def one_pair(match: MatchId, pair: PairId, asked: Annotated[PairQuery, Query()], request: Request) -> Response:
    """One pair: both sides, and what each field says for and against it."""
    return await _shown(request, match, lambda shown: shown.one(pair, asked.threshold))


@routes.put("/v1/matches/{match}/pairs/{pair}", operation_id="judge_pair", responses={200: {"model": VerdictBody}, **errors(507)})
@needs(WRITE)
async def judge(match: MatchId, pair: PairId, asked: VerdictRequest, request: Request) -> Response:
    """Say whether the two are the same; what was said of them before no longer counts."""
    here, by = service(request), access(request).key or ""
    kept = here.matches.get(_named(request, match))
    name = kept.header["id"]

    def change(_shop: Any, now: Any) -> dict[str, Any]:
        Shown.of(kept, now, {}).one(pair, 0.9)  # refuses a pair that is not there
        here.verdicts.put(name, pair, asked.verdict, by)
        return Shown.of(kept, now, here.verdicts.of(name)).judged()

    judged, _ = await changed(request, change)
    return _json({"match": name, "pair": pair, "verdict": asked.verdict, "judged": judged})


@routes.get("/v1/matches/{match}/judgements", operation_id="match_judgements", responses={200: {"content": {NDJSON: {}}}, **errors()})
async def judgements(match: MatchId, request: Request) -> Response:
    """What people said of the pairs, a line each: left, right, verdict, chance and score, who said it and when."""
    lines = await _read(request, match, lambda shown: [written(each) + b"\n" for each in shown.exported()])
    return Response(b"".join(lines), media_type=NDJSON, headers={"Cache-Control": "private, no-cache"})


@routes.delete("/v1/matches/{match}", operation_id="remove_match", status_code=204, responses=errors(507))
@needs(ADMIN)
async def remove(match: MatchId, request: Request) -> Response:
    """Forget a match and what was said of its pairs."""
    here = service(request)
    name = here.matches.get(_named(request, match)).header["id"]

    def change(_shop: Any, _now: Any) -> None:
        here.matches.remove(name)
        here.verdicts.forget(name)

    await changed(request, change)
    return Response(status_code=204)


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


async def _shown(request: Request, match: str, answer: Callable[[Shown], dict[str, Any]]) -> Response:
    body = await _read(request, match, answer)
    return _json({**body, "may_judge": WRITE in access(request).scopes})


async def _read(request: Request, match: str, answer: Callable[[Shown], T]) -> T:
    """What a match has to say, worked out in a reading thread."""
    here, view = _open_to(request), await wait_for(request, service(request))

    def work() -> T:
        kept = here.matches.get(_named(request, match))
        return answer(Shown.of(kept, view, here.verdicts.of(kept.header["id"])))

    return await here.keeper.read(work, 10)  # type: ignore[no-any-return]


def _named(request: Request, match: str) -> str:
    """The id that is meant. Refused (404): the newest of none."""
    if match != NEWEST:
        return match
    found = service(request).matches.all()
    if not found:
        raise Problem(404, "no match was made yet; make one with: nearkin match PLACE --keep")
    return str(found[0]["id"])


def _open_to(request: Request) -> Any:
    """The service. Refused (403): a key with a filter, since pairs are counted over all things."""
    if access(request).where is not None:
        raise Problem(403, "a key with a filter does not see kept matches; send rows to /v1/match, which heeds the filter")
    return service(request)


def _json(body: dict[str, Any]) -> Response:
    return Response(written(body), media_type=JSON, headers={"Cache-Control": "private, no-cache", "Vary": "Authorization"})
