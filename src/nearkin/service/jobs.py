"""Work that takes minutes: kept on disk, done one at a time by a process of its own, begun again after a restart."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Row
from typing import Any

from nearkin.service.problems import Problem
from nearkin.service.state import State

log = logging.getLogger("nearkin.service")
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
MOST_QUEUED = 100
TRIES = 3  # a job that takes the process down with it is not begun for ever
LOG_LENGTH = 8_000  # characters kept of what a job says
POLL_S = 0.1


class Jobs:
    """The jobs of one collection, as they stand in its state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        """A new job at the end of the queue."""
        waiting = self.state.run("SELECT count(*) AS n FROM jobs WHERE state = ?", QUEUED)[0]["n"]
        if waiting >= MOST_QUEUED:
            raise Problem(503, f"{waiting} jobs wait already; cancel some", headers={"Retry-After": "60"})
        job = secrets.token_hex(8)
        self.state.run(
            "INSERT INTO jobs (id, kind, asked, state, made) VALUES (?, ?, ?, ?, ?)", job, kind, json.dumps(asked), QUEUED, time.time()
        )
        return self.get(job)

    def get(self, job: str) -> dict[str, Any]:
        """One job. Refused (404): one that is not there."""
        found = self.state.run("SELECT * FROM jobs WHERE id = ?", job)
        if not found:
            raise Problem(404, f"there is no job {job[:80]!r}")
        return _told(found[0])

    def all(self) -> list[dict[str, Any]]:
        """The last hundred, newest first."""
        return [_told(row) for row in self.state.run("SELECT * FROM jobs ORDER BY number DESC LIMIT 100")]

    def cancel(self, job: str) -> dict[str, Any]:
        """End a job that waits or runs; one that has ended stays as it is."""
        self.get(job)
        self.state.run(
            "UPDATE jobs SET state = ?, ended = ? WHERE id = ? AND state IN (?, ?)", CANCELLED, time.time(), job, QUEUED, RUNNING
        )
        return self.get(job)

    def say(self, job: str, message: str, done: int | None = None, total: int | None = None) -> None:
        """Note how far a job is."""
        self.state.run(
            "UPDATE jobs SET log = substr(log || ? || char(10), ?), done = coalesce(?, done), total = coalesce(?, total) WHERE id = ?",
            message, -LOG_LENGTH, done, total, job,
        )  # fmt: skip

    def end(self, job: str, state: str, *, problem: str | None = None, result: Any = None) -> None:
        """Note how a job ended, unless it was cancelled meanwhile."""
        told = None if result is None else json.dumps(result)
        self.state.run(
            "UPDATE jobs SET state = ?, problem = ?, result = ?, ended = ? WHERE id = ? AND state = ?",
            state, problem, told, time.time(), job, RUNNING,
        )  # fmt: skip

    def resume(self) -> None:
        """What ran when the service ended waits again; what was tried too often has failed."""
        self.state.run(
            "UPDATE jobs SET state = ?, problem = 'ended three times without a word', ended = ? WHERE state = ? AND tries >= ?",
            FAILED, time.time(), RUNNING, TRIES,
        )  # fmt: skip
        self.state.run("UPDATE jobs SET state = ? WHERE state = ?", QUEUED, RUNNING)

    def begin(self) -> str | None:
        """The job that has waited longest, which runs from now on."""
        found = self.state.run(
            "UPDATE jobs SET state = ?, started = ?, tries = tries + 1 WHERE number = "
            "(SELECT number FROM jobs WHERE state = ? ORDER BY number LIMIT 1) RETURNING id",
            RUNNING, time.time(), QUEUED,
        )  # fmt: skip
        return found[0]["id"] if found else None

    def is_running(self, job: str) -> bool:
        return bool(self.state.run("SELECT 1 FROM jobs WHERE id = ? AND state = ?", job, RUNNING))


class Runner:
    """Does the jobs of a collection, one after another, while the service runs. `ended`: told each job's kind, state and seconds."""

    def __init__(self, place: Path, jobs: Jobs, ended: Callable[[str, str, float], None]) -> None:
        self.place, self.jobs, self.ended = place, jobs, ended

    async def run(self) -> None:
        """Until cancelled; a job that then runs is begun again at the next start."""
        self.jobs.resume()
        while True:
            job = self.jobs.begin()
            if job is None:
                await asyncio.sleep(POLL_S)
                continue
            try:
                await self._do(job)
            except Exception as error:  # one job that cannot be begun must not end all later ones
                log.exception("the job %s could not be done", job)
                self.jobs.end(job, FAILED, problem=f"it could not be begun: {type(error).__name__}")

    async def _do(self, job: str) -> None:
        """In a process of its own, which ends when its stdin does, and so never outlives the service."""
        command = [sys.executable, "-m", "nearkin.service.work", str(self.place), job]
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        try:
            while process.returncode is None and self.jobs.is_running(job):
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), POLL_S)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await _ended(process)
        self.jobs.end(job, FAILED, problem=f"the process of the job ended with status {process.returncode}")
        told = self.jobs.get(job)
        self.ended(told["kind"], told["state"], (told["ended"] or time.time()) - told["started"])


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Returns when the process is gone; whoever cancels meanwhile waits for that, too."""
    ending, cancelled = asyncio.ensure_future(process.wait()), None
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _told(row: Row) -> dict[str, Any]:
    left_s = None
    if row["state"] == RUNNING and row["total"] and row["done"]:
        left_s = round((time.time() - row["started"]) * (row["total"] - row["done"]) / row["done"], 1)
    return {
        "id": row["id"],
        "kind": row["kind"],
        "asked": json.loads(row["asked"]),
        "state": row["state"],
        "done": row["done"],
        "total": row["total"],
        "eta_s": left_s,
        "log_tail": row["log"].splitlines()[-20:],
        "problem": row["problem"],
        "result": None if row["result"] is None else json.loads(row["result"]),
        **{name: row[name] for name in ("made", "started", "ended")},
    }
