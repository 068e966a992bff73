"""At most so many requests at once, and so many more that wait; others are told to come again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nearkin.service.problems import Problem


class Room:
    """`told`: hears of each that begins (1) or ends (-1) to wait."""

    def __init__(self, running: int, waiting: int, told: Callable[[int], object] = lambda _: None) -> None:
        self._free = asyncio.Semaphore(running)
        self.waiting, self.most_waiting, self._told = 0, waiting, told

    async def enter(self) -> None:
        if self._free.locked() and self.waiting >= self.most_waiting:
            raise Problem(503, "too many requests at once; try again in a moment", headers={"Retry-After": "1"})
        self._count(1)
        try:
            await self._free.acquire()
        finally:
            self._count(-1)

    def leave(self) -> None:
        self._free.release()

    def _count(self, more: int) -> None:
        self.waiting += more
        self._told(more)


class Seat:
    """The place of one request in a room; it may change to another room, and is left once."""

    def __init__(self, room: Room) -> None:
        self.room, self.held = room, False

    async def take(self) -> None:
        await self.room.enter()
        self.held = True

    def leave(self) -> None:
        if self.held:
            self.held = False
            self.room.leave()

    async def move(self, room: Room) -> None:
        """Into another room, so that those who wait there do not stand in the way of those here."""
        self.leave()
        self.room = room
        await self.take()
