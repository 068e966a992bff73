"""One writer, many readers: the collection of a service, and the view that requests are answered from."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVar

from nearkin.collection import Collection
from nearkin.errors import BadInput
from nearkin.service.problems import Problem
from nearkin.service.view import View

log = logging.getLogger("nearkin.service")
T = TypeVar("T")
PAST = 2  # past versions held open
WATCH_S = 0.5  # how often it is looked whether another process wrote
AGAIN_S = 0.02  # between two looks for a version that is known to be there
READERS = 16  # more than cores: those that wait for a search are served by one


async def alone(_version: int) -> None:
    """Nobody else has to be told of a new version."""


class Keeper:
    """`now` is the view of the newest version; it is replaced, never changed, so a request sees one whole state.

    Reading happens in some threads, of which `lanes` rank at once, writing in one, so that writes stand in a row; a write has ended
    when `now` shows it, and all those whom `moved` tells of the new version.
    """

    def __init__(self, place: str | Path, *, lanes: int = 1, readers: int = READERS) -> None:
        self.place, self.lanes = Path(place), lanes
        self.shop = Collection.open(place)  # touched by the writing thread alone
        self.now = View(self.shop.view(), lanes)
        self.moved: Callable[[int], Awaitable[None]] = alone
        self._reading = ThreadPoolExecutor(readers, "nearkin-reader")
        self._writing = ThreadPoolExecutor(1, "nearkin-writer")
        self._past: OrderedDict[int, View] = OrderedDict()
        self._past_lock = Lock()

    def close(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()

    async def read(self, work: Callable[[], T], timeout_s: float) -> T:
        """Do this in a reading thread; 504 when it has not ended in time."""
        running = asyncio.get_running_loop().run_in_executor(self._reading, work)
        try:
            return await asyncio.wait_for(running, timeout_s)
        except TimeoutError:
            raise Problem(504, f"no answer within {timeout_s:g} s; ask for less, or again when there is less to do") from None

    async def write(self, change: Callable[[Collection], T]) -> tuple[T, View]:
        """Change the collection in the writing thread; gives what the change gave, and a view that shows it."""

        def work() -> tuple[T, View]:
            self._look()  # so that conditions hold for what other processes wrote, too
            try:
                given = change(self.shop)
            finally:
                self._publish()
            return given, self.now

        return await asyncio.shield(asyncio.ensure_future(self._all_moved(work)))  # a caller who leaves does not undo half a write

    async def _all_moved(self, work: Callable[[], tuple[T, View]]) -> tuple[T, View]:
        before = self.now.version
        try:
            given, view = await asyncio.get_running_loop().run_in_executor(self._writing, work)
        except BaseException:
            if self.now.version > before:  # half of it was written
                await self.moved(self.now.version)
            raise
        await self.moved(view.version)
        return given, view

    async def watch(self) -> None:
        """Until cancelled, show what other processes write."""
        while True:
            await asyncio.sleep(WATCH_S)
            before = self.now.version
            await self.look()
            if self.now.version != before:
                await self.moved(self.now.version)

    async def look(self) -> None:
        """Show what other processes wrote until now."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._look)

    async def reach(self, version: int) -> None:
        """Returns when `now` shows this version, which is on the disk already."""
        wait_s = AGAIN_S
        while self.now.version < version:
            await self.look()
            if self.now.version < version:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, WATCH_S)

    def _look(self) -> None:
        try:
            if self.shop.refresh():
                self._publish()
        except Exception:  # in the middle of a change, say; the next look may see it whole, and looking must not end
            log.warning("%s could not be read again; answering from version %d", self.place, self.now.version, exc_info=True)

    def _publish(self) -> None:
        if self.shop.version != self.now.version or self.shop.manifest != self.now.shop.manifest:
            if self.now.recommends:
                _ = self.shop.recommender  # made once here, not by each of the readers
            fresh = View(self.shop.view(), self.lanes)
            fresh.recommends, self.now = self.now.recommends, fresh

    def at(self, version: int | None) -> View:
        """The view of a version, the newest unless named. Refused: one that was compacted away (410) or is yet to come (422)."""
        now = self.now
        if version is None or version == now.version:
            return now
        if version > now.version:
            raise Problem(422, f"version {version} does not exist yet; the newest is {now.version}")
        with self._past_lock:
            if version not in self._past:
                self._past[version] = self._opened(version)
            self._past.move_to_end(version)
            while len(self._past) > PAST:
                self._past.popitem(last=False)
            return self._past[version]

    def _opened(self, version: int) -> View:
        try:
            return View(Collection.open(self.place, version=version), self.lanes)
        except BadInput:
            raise Problem(410, f"version {version} was compacted away; ask again without it, from version {self.now.version}") from None
