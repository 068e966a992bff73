"""The routes of matching: rows of a request, and the pairs of matches that jobs made, for people to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query, Request, Response

from nearkin.service.access import ADMIN, WRITE
from nearkin.service.forms import ARROW, NDJSON
from nearkin.service.match_bodies import MatchesBody, OnePairBody, PairQuery, PairsBody, PairsQuery, VerdictBody, VerdictRequest
from nearkin.service.match_views import Shown
from nearkin.service.matches import told
from nearkin.service.matching import MatchedBody, MatchRequest, match
from nearkin.service.problems import Problem
from nearkin.service.routes import access, answered, errors, needs, router, service, wait_for, written
from nearkin.service.writing import JSON, changed

T = TypeVar("T")
routes = router()
NEWEST = "newest"
MatchId = Annotated[str, Path(max_length=64, description=f"the id of a kept match, or `{NEWEST}`")]
PairId = Annotated[int, Path(ge=0, lt=2**31)]


_TABLE = {"schema": {"type": "string", "format": "binary"}}
_MATCHED: dict[int | str, dict[str, Any]] = {
    200: {"model": MatchedBody, "content": {NDJSON: {}, ARROW: _TABLE}},
    **errors(406, 410),
}


@routes.post("/v1/match", operation_id="match", responses=_MATCHED)
async def match_rows(asked: MatchRequest, request: Request) -> Response:
    """Which thing each of these rows is, and none where there is none; or whether two things are the same; with the chance of it."""
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
