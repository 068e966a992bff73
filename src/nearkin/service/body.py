"""The body of a request as it comes: never longer than allowed, and never slower."""

from __future__ import annotations

import asyncio
import time

from starlette.types import Message, Receive

from nearkin.service.problems import Problem

FIRST_BYTES = 64 << 10  # read before a request takes its place, so that slow clients hold none
LEAST_BYTES_A_S = 16 << 10  # of what comes after those


class Body:
    """Stands in for the `receive` of the server. `patience_s`: for each part, and for all of the first bytes."""

    def __init__(self, receive: Receive, most: int, too_large: Problem, patience_s: float) -> None:
        self._receive, self._most, self._too_large, self._patience_s = receive, most, too_large, patience_s
        self._ahead: list[Message] = []
        self._ended, self._got = False, 0
        self._began = time.monotonic()

    async def begin(self) -> None:
        """Read the first bytes, mostly the whole body."""
        self._began = time.monotonic()
        while not self._ended and self._got < FIRST_BYTES:
            self._ahead.append(await self._next())
        self._ahead.reverse()

    async def receive(self) -> Message:
        """The next part; what comes after the body (the client leaves) is waited for without end."""
        if self._ahead:
            return self._ahead.pop()
        return await self._receive() if self._ended else await self._next()

    async def _next(self) -> Message:
        allowed_s = self._patience_s + max(0, self._got - FIRST_BYTES) / LEAST_BYTES_A_S
        left_s = min(self._patience_s, allowed_s - (time.monotonic() - self._began))
        try:
            message = await asyncio.wait_for(self._receive(), max(left_s, 0))
        except TimeoutError:
            raise Problem(408, "the body came too slowly; send it again, in smaller parts") from None
        self._got += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._got > self._most:
            raise self._too_large
        return message
