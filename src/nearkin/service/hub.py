"""What all requests of one process share, and what it does beside them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI

from nearkin.recipes.outcomes import Proofs
from nearkin.service import following, handing
from nearkin.service.access import Access
from nearkin.service.following import Followers, Following
from nearkin.service.groups import Groups
from nearkin.service.handing import Hand
from nearkin.service.jobs import Jobs, Runner
from nearkin.service.judgements import Judgements
from nearkin.service.keeper import Keeper
from nearkin.service.keys import Keys
from nearkin.service.matches import KeptMatches
from nearkin.service.metrics import Metrics
from nearkin.service.part import Part
from nearkin.service.problems import Problem
from nearkin.service.replies import Replies
from nearkin.service.rooms import Room
from nearkin.service.seen import Seen
from nearkin.service.server import cores
from nearkin.service.settings import DEFAULTS, Settings
from nearkin.service.state import State
from nearkin.service.verdicts import Verdicts
from nearkin.service.warming import rehearse, warm

CATCH_UP_S = 10.0  # how long a read waits until the process has caught up with what was answered elsewhere
LONG_S = 3600.0


class Service:
    """The collection, the metrics, the rooms, the secret that signs cursors; one process alone, or one `part` of several.

    A worker has a `hand` that passes writes on, the writer `followers` that it tells of each new version; one alone has neither.
    """

    def __init__(self, place: Path, settings: Settings = DEFAULTS, *, part: Part | None = None, early: bool = False) -> None:
        self.settings, self.part, self.early = settings, part, early
        self.proofs = Proofs(Path(settings.proofs) if settings.proofs else None)
        self.keeper, self.state = Keeper(place, lanes=max(1, cores() // settings.workers), readers=settings.running), State(place)
        self.metrics, self.secret = Metrics(), self.state.secret()
        self.replies, self.keys, self.groups = Replies(self.state), Keys(self.state), Groups(self.keeper)
        self.jobs, self.judgements = Jobs(self.state), Judgements(self.state)
        self.matches, self.verdicts, self.seen = KeptMatches(place), Verdicts(self.state), Seen()
        self.room, self.writing_room = self._room(), self._room()
        self.warm = asyncio.Event()
        self.hand: Hand | None = None
        self.following: Following | None = None
        self.followers: Followers | None = None
        if part is not None:
            self._join(part)

    def _room(self) -> Room:
        many = self.settings.workers if self.behind_workers else 1  # each worker hands on no more than its own room holds
        return Room(many * self.settings.running, many * self.settings.waiting, self.metrics.waiting.inc)

    def _join(self, part: Part) -> None:
        moves = part.run / following.NAME
        if part.writes:
            self.followers = Followers(moves, part.board, lambda: self.keeper.now.version)
            self.keeper.moved = self.followers.moved
        else:
            self.hand, self.following = Hand(part.run / handing.NAME), Following(moves, self.keeper)

    @property
    def behind_workers(self) -> bool:
        return self.part is not None and self.part.writes

    @property
    def ready(self) -> bool:
        """Whether reads are answered without delay, and writes at all."""
        caught_up = self.part is None or self.keeper.now.version >= self.part.board.floor
        return self.warm.is_set() and caught_up and (self.following is None or self.following.connected)

    def rate(self, access: Access) -> Mapping[str, str]:
        """Counted where the request came in."""
        return {} if self.behind_workers else self.keys.rate(access)

    async def before(self) -> None:
        """Returns when all is warm and no write that was answered anywhere is missing here. Refused (503): that takes too long."""
        floor = 0 if self.part is None else self.part.board.floor
        if self.warm.is_set() and self.keeper.now.version >= floor:
            return
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self.warm.wait()
                await self.keeper.reach(floor)
        except TimeoutError:
            raise Problem(503, "the stages are still being read; try again in a moment", headers={"Retry-After": "2"}) from None

    @asynccontextmanager
    async def running(self, _app: FastAPI) -> AsyncIterator[None]:
        """While the process serves."""
        tasks = [asyncio.create_task(work) for work in self._works()]
        warming = asyncio.create_task(self._warm())
        tasks.append(warming)
        if not self.early:
            await warming
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.hand is not None:
            await self.hand.close()
        self.keeper.close()
        self.state.close()

    def _works(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the requests."""
        works = [self.keeper.watch()]
        if self.hand is None:
            self.replies.resume(self.keeper.place, self.keeper.now.version)
            works.append(Runner(self.keeper.place, self.jobs, self._job_ended).run())
        if self.part is not None:
            works.append(self.part.beat())
        works += [each.run() for each in (self.followers, self.following) if each is not None]
        return works

    async def _warm(self) -> None:
        if self.part is None:
            with TemporaryDirectory() as folder:
                await self.keeper.read(lambda: rehearse(Path(folder) / "rehearsal"), LONG_S)
        if not self.behind_workers:
            await self.keeper.read(lambda: warm(self.keeper.now), LONG_S)
        gc.collect()
        gc.freeze()  # what was loaded stays: there is no rubbish in it to look for again and again
        self.warm.set()

    def _job_ended(self, kind: str, state: str, took_s: float) -> None:
        self.metrics.jobs.labels(kind, state).observe(took_s)
