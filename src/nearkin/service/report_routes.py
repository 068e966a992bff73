"""The routes of evaluations: the reports that are kept, one of them, and which queries one stage wins against another."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, Field

from nearkin.service.jobs import FAILED, QUEUED, RUNNING
from nearkin.service.judgements import Judgements, known
from nearkin.service.problems import Problem, unknown
from nearkin.service.reports import Reports, against
from nearkin.service.requests import Lax, Name
from nearkin.service.routes import access, errors, router, service

routes = router()
ReportId = Annotated[str, Path(min_length=1, max_length=64)]


class Figure(BaseModel):
    """A figure with its 95 % interval over the queries."""

    metric: str
    system: str
    mean: float
    low: float
    high: float


class VerdictBody(BaseModel):
    """`system` less `rival`; better: which of them the queries show to be better, empty where they cannot tell."""

    metric: str
    system: str
    rival: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    better: str


class Point(BaseModel):
    """One stage asked for k hits: the recall of them, and the time a query takes, over so many queries."""

    system: str
    k: int
    recall: float
    ms: float
    p95_ms: float
    queries: int


class Short(BaseModel):
    """source: `kept` judgements or `sent` ones; made: in seconds since 1970."""

    id: str
    made: float
    version: int
    source: str
    queries: int
    judgements: int
    systems: list[str]
    metrics: list[str]
    figures: list[Figure]


class Of(BaseModel):
    """One query by two stages."""

    query_id: str
    query: str
    a: float
    b: float
    difference: float


class Against(BaseModel):
    """The queries that `a` answers better than `b`, and the contrary, largest difference first."""

    metric: str
    a: str
    b: str
    won: list[Of]
    lost: list[Of]
    equal: int


class SliceBody(BaseModel):
    """The same of the queries of one kind; p is not corrected for how many slices are looked at."""

    name: str
    queries: int
    figures: list[Figure]
    verdicts: list[VerdictBody]


class ReportBody(Short):
    """slices: kinds of queries, by how many words they have, of which there are enough; none where all are of one kind."""

    verdicts: list[VerdictBody]
    slices: list[SliceBody] = []
    curve: list[Point]
    note: str
    against: Against | None = None


class Evaluation(BaseModel):
    """An evaluation that waits, runs or has failed since the last report."""

    id: str
    state: str
    done: int
    total: int | None
    eta_s: float | None
    says: str
    problem: str | None


class KeptCount(BaseModel):
    queries: int
    judgements: int
    fitting: int = Field(description="judgements with a grade above 0")


class ReportsBody(BaseModel):
    """The last hundred reports, newest first; what was judged so far; and the evaluation that is under way."""

    reports: list[Short]
    judged: KeptCount
    job: Evaluation | None


class Pair(Lax):
    """Two stages and a metric, to see which queries decide between them, all three or none; `slice`: of one kind of queries alone."""

    metric: Name | None = None
    a: Name | None = None
    b: Name | None = None
    slice: Name | None = None


@routes.get("/v1/reports", operation_id="reports", responses={200: {"model": ReportsBody}, **errors()})
async def reports(request: Request) -> ReportsBody:
    """What evaluations found."""
    return ReportsBody(**await service(request).keeper.read(lambda: all_of(request), 10))


@routes.get("/v1/reports/{report}", operation_id="report", responses={200: {"model": ReportBody}, **errors()})
async def report(report: ReportId, pair: Annotated[Pair, Query()], request: Request) -> ReportBody:
    """Figures with their intervals, a verdict on each pair of stages, the time they take; and for two stages the queries won and lost."""
    return ReportBody(**await service(request).keeper.read(lambda: one_of(request, report, pair), 10))


def all_of(request: Request) -> dict[str, Any]:
    check_whole(request)
    here = service(request)
    found = known(here.keeper.now.catalog, None, Judgements(here.state).all())
    fitting = sum(each.grade > 0 for each in found)
    judged = {"queries": len({each.query for each in found}), "judgements": len(found), "fitting": fitting}
    kept = Reports(here.state).all()
    return {"reports": kept, "judged": judged, "job": _under_way(here.jobs.all(), kept[0]["made"] if kept else 0.0)}


def _under_way(jobs: list[dict[str, Any]], since: float) -> dict[str, Any] | None:
    """The newest evaluation, unless a report or another end came of it."""
    job = next((each for each in jobs if each["kind"] == "evaluate"), None)
    if job is None or not (job["state"] in (QUEUED, RUNNING) or (job["state"] == FAILED and job["made"] > since)):
        return None
    return {**{name: job[name] for name in ("id", "state", "done", "total", "eta_s", "problem")}, "says": (job["log_tail"] or [""])[-1]}


def one_of(request: Request, name: str, pair: Pair) -> dict[str, Any]:
    check_whole(request)
    here = service(request)
    told = Reports(here.state).get(name)
    asked = {key: value for key in ("metric", "a", "b") if (value := getattr(pair, key)) is not None}
    kinds = [each["name"] for each in told.get("slices", ())]
    if pair.slice is not None and pair.slice not in kinds:
        raise unknown("slice", pair.slice, kinds, "/slice")
    if not asked:
        return told
    if len(asked) < 3:
        raise Problem(422, "give a metric and two stages, a and b, or none of them")
    for key, there in (("metric", told["metrics"]), ("a", told["systems"]), ("b", told["systems"])):
        if asked[key] not in there:
            raise unknown("metric" if key == "metric" else "stage", asked[key], there, f"/{key}")
    return {**told, "against": against(Reports(here.state).queries(name), **asked, kind=pair.slice)}


def check_whole(request: Request) -> None:
    """Refuse those who may not see the whole catalogue: a report is of all of it."""
    if access(request).where is not None:
        raise Problem(403, "a report is of the whole catalogue, and this key sees a part of it")
