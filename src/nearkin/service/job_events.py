"""A job followed as it goes: server-sent events, one for each change, until it ends or the listener leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse

from nearkin.service.access import ADMIN
from nearkin.service.job_routes import JobId
from nearkin.service.jobs import QUEUED, RUNNING, Jobs
from nearkin.service.problems import Problem
from nearkin.service.routes import errors, needs, router, service, written

routes = router()
KIND = "text/event-stream"
LOOK_S = 0.25  # how often it is looked whether the job went on
BEAT_S = 15.0  # a word at least this often, so that a proxy does not hang up
MOST = 64  # listeners of one process
_SCHEMA = {"type": "string", "description": "`event: job` with `data:` the job as JSON", "examples": ["event: job\ndata: {}\n\n"]}

_listening: list[str] = []  # a job for each who follows one


@routes.get("/v1/jobs/{job}/events", operation_id="job_events", responses={200: {"content": {KIND: {"schema": _SCHEMA}}}, **errors()})
@needs(ADMIN)
async def events(job: JobId, request: Request) -> StreamingResponse:
    """How far a job is, told whenever that changes; ends when the job does. 503 where too many listen: ask /v1/jobs/{job} instead."""
    jobs = service(request).jobs
    jobs.get(job)
    if len(_listening) >= MOST:
        raise Problem(503, f"{MOST} listen already; ask for the job itself again and again", headers={"Retry-After": "2"})
    return StreamingResponse(_told(jobs, job), media_type=KIND, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _told(jobs: Jobs, job: str) -> AsyncIterator[bytes]:
    _listening.append(job)
    try:
        async for told in changes(jobs, job):
            yield b": still at it\n\n" if told is None else b"event: job\ndata: " + written(told) + b"\n\n"
    finally:
        _listening.remove(job)


async def changes(jobs: Jobs, job: str) -> AsyncIterator[dict[str, Any] | None]:
    """The job each time it has changed, the last time when it has ended; None where there was nothing to say for long."""
    before, quiet_s = None, 0.0
    while True:
        told = jobs.get(job)
        seen = {name: value for name, value in told.items() if name != "eta_s"}
        if seen != before:
            before, quiet_s = seen, 0.0
            yield told
        if told["state"] not in (QUEUED, RUNNING):
            return
        await asyncio.sleep(LOOK_S)
        quiet_s += LOOK_S
        if quiet_s >= BEAT_S:
            quiet_s = 0.0
            yield None
