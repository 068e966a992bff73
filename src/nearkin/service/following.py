"""The writer tells the workers of each new version, and waits until they answer from it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nearkin.service.board import Board
from nearkin.service.keeper import Keeper

log = logging.getLogger("nearkin.service")
NAME = "moves"
FOLLOW_S = 5.0  # a worker that takes longer is not waited for; until it has caught up it lets its readers wait
AGAIN_S = 0.05  # between two attempts to reach the writer


class _Follower:
    """One worker: the version it answers from, and whether it has let others wait."""

    def __init__(self, out: asyncio.StreamWriter) -> None:
        self.out, self.at, self.late = out, 0, False

    def tell(self, version: int) -> None:
        if not self.out.is_closing():
            self.out.write(b"%d\n" % version)


class Followers:
    """The workers that listen to this writer; one that dies leaves by itself, as its connection does."""

    def __init__(self, path: Path, board: Board, now: Callable[[], int]) -> None:
        self.path, self.board, self.now = path, board, now
        self._all: set[_Follower] = set()
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """Until cancelled, let workers follow."""
        async with await asyncio.start_unix_server(self._follow, sock=private_socket(self.path)) as server:
            await server.serve_forever()

    async def moved(self, version: int) -> None:
        """Returns when every worker that is well shows this version, and none can answer from an older one."""
        for each in self._all:
            each.tell(version)
        with suppress(TimeoutError):
            async with asyncio.timeout(FOLLOW_S), self._moved:
                await self._moved.wait_for(lambda: not self._behind(version))
        for each in self._behind(version):
            each.late = True
            log.warning("a worker did not show version %d within %g s; its readers wait until it does", version, FOLLOW_S)
        self.board.raise_floor(version)

    def _behind(self, version: int) -> list[_Follower]:
        return [each for each in self._all if each.at < version and not each.late]

    async def _follow(self, told: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        follower = _Follower(out)
        self._all.add(follower)
        try:
            follower.tell(self.now())
            while line := await told.readline():
                follower.at = int(line)
                follower.late = follower.late and follower.at < self.now()
                await self._wake()
        except OSError:
            pass  # it died
        finally:
            self._all.discard(follower)
            await self._wake()
            out.close()

    async def _wake(self) -> None:
        async with self._moved:
            self._moved.notify_all()


class Following:
    """A worker's side: moves when told to, and says so. `connected`: whether the writer is there."""

    def __init__(self, path: Path, keeper: Keeper) -> None:
        self.path, self.keeper, self.connected = path, keeper, False

    async def run(self) -> None:
        """Until cancelled, follow the writer; after it is gone, the next one."""
        while True:
            with suppress(OSError):
                told, out = await asyncio.open_unix_connection(self.path)
                try:
                    self.connected = True
                    await self._follow(told, out)
                finally:
                    self.connected = False
                    out.close()
            await asyncio.sleep(AGAIN_S)

    async def _follow(self, told: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        while line := await told.readline():
            await self.keeper.reach(int(line))
            out.write(b"%d\n" % self.keeper.now.version)
            await out.drain()


def private_socket(path: Path) -> socket.socket:
    """A new Unix-domain socket under this name, in place of the one of an earlier process; for its owner alone."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
    finally:
        os.umask(before)
    made.setblocking(False)
    made.listen()  # at once: who comes before it is served waits
    return made
