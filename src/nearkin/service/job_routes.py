"""The routes of long work."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Annotated, Any, Literal

from fastapi import Body, Path, Request, Response
from pydantic import BaseModel, Field, model_validator

from nearkin.service.access import ADMIN
from nearkin.service.replies import Reply
from nearkin.service.requests import Id, Name, Strict, Where
from nearkin.service.routes import errors, needs, router, service, written
from nearkin.service.writing import JSON, OnceKey, once, reply_name

routes = router()
JobId = Annotated[str, Path(min_length=1, max_length=64)]
METRICS = ("nDCG@10", "MRR", "Recall@10", "Recall@100")
Metric = Annotated[str, Field(pattern=r"^[A-Za-z]+(@\d{1,4})?$", examples=["nDCG@10"])]


class CompactJob(Strict):
    """Fit the stages anew, merge files, drop what was removed."""

    kind: Literal["compact"]
    keep_history: bool = False


class TuneJob(Strict):
    """Look for the best recommender."""

    kind: Literal["tune"]
    minutes: Annotated[float, Field(gt=0, le=24 * 60, strict=False, allow_inf_nan=False)] = 20


class LayoutJob(Strict):
    """Draw the map."""

    kind: Literal["layout"]


class QueryBody(Strict):
    id: Id
    text: Annotated[str, Field(max_length=4096)]


class JudgementBody(Strict):
    query: Id
    item: Id
    grade: Annotated[int, Field(ge=0, le=100)]


class EvaluateJob(Strict):
    """Compare the stages on judged queries: on those that are kept, or on a set that is sent."""

    kind: Literal["evaluate"]
    queries: Annotated[list[QueryBody], Field(min_length=1, max_length=10_000)] | None = None
    judgements: Annotated[list[JudgementBody], Field(min_length=1, max_length=100_000)] | None = None
    metrics: Annotated[list[Metric], Field(min_length=1, max_length=10, default_factory=lambda: list(METRICS))]

    @model_validator(mode="after")
    def _both_or_none(self) -> EvaluateJob:
        if (self.queries is None) != (self.judgements is None):
            raise ValueError("give both queries and judgements, or neither, to use the judgements that are kept")
        return self


class ImportJob(Strict):
    """Add the things of a file that lies in `.service/imports` of the collection."""

    kind: Literal["import"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class MatchJob(Strict):
    """Match the collection with a file, or a collection, that lies in `.service/imports`; with itself where none is named."""

    kind: Literal["match"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")] | None = None
    id: Name | None = Field(default=None, description="the field of the file that holds the ids; else it is guessed")
    where: Where | None = Field(default=None, description="only these things of the collection")
    one_to_one: bool = Field(default=True, description="of a file: a row is one thing at most, and a thing one row")


JobRequest = Annotated[
    CompactJob | TuneJob | LayoutJob | EvaluateJob | ImportJob | MatchJob, Body(discriminator="kind", examples=[{"kind": "compact"}])
]


class JobBody(BaseModel):
    """state: queued, running, done, failed or cancelled; times in seconds since 1970."""

    id: str
    kind: str
    asked: dict[str, Any]
    state: str
    done: int
    total: int | None
    eta_s: float | None
    log_tail: list[str]
    problem: str | None
    result: dict[str, Any] | None
    made: float
    started: float | None
    ended: float | None


@routes.post("/v1/jobs", operation_id="start", status_code=202, responses={202: {"model": JobBody}, **errors(409)})
@needs(ADMIN)
async def start(asked: JobRequest, request: Request, key: OnceKey = None) -> Response:
    """Put a job at the end of the queue; `Location` tells where it can be followed."""

    async def work() -> Reply:
        here = service(request)
        with here.state.together():  # the job and its answer, so that after a crash the same key begins no second one
            reply = Reply(202, JSON, written(here.jobs.add(asked.kind, asked.model_dump(exclude={"kind"}))))
            if key is not None:
                here.replies.end(reply_name(request, key), reply)
        return reply

    answer = await once(request, key, blake2b(await request.body(), digest_size=16).digest(), work)
    answer.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/jobs/{json.loads(bytes(answer.body))['id']}"
    return answer


@routes.get("/v1/jobs", operation_id="jobs", responses=errors())
@needs(ADMIN)
async def all_jobs(request: Request) -> dict[str, list[JobBody]]:
    """The last hundred jobs, newest first."""
    return {"jobs": [JobBody(**told) for told in service(request).jobs.all()]}


@routes.get("/v1/jobs/{job}", operation_id="job_state", responses={200: {"model": JobBody}, **errors()})
@needs(ADMIN)
async def one_job(job: JobId, request: Request) -> JobBody:
    """How far a job is, or how it ended."""
    return JobBody(**service(request).jobs.get(job))


@routes.delete("/v1/jobs/{job}", operation_id="cancel", responses={200: {"model": JobBody}, **errors()})
@needs(ADMIN)
async def cancel(job: JobId, request: Request) -> JobBody:
    """End a job that waits or runs; the collection stays as it was before, or as it was meant to become."""
    return JobBody(**service(request).jobs.cancel(job))
