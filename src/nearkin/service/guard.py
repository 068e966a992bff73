"""What stands before every request: its number, who asks, whether there is room, how long the body may be; and after: the log."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nearkin.service import limits as at_most
from nearkin.service.access import Access
from nearkin.service.metrics import Metrics
from nearkin.service.problems import Problem, problem_of

log = logging.getLogger("nearkin.service")
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEALTH = "/health/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
BULK = "/v1/items:bulk"


class Room:
    """At most so many requests at once, and so many more that wait."""

    def __init__(self, running: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(running)
        self.waiting, self.most_waiting = 0, waiting

    async def enter(self) -> None:
        if self._free.locked() and self.waiting >= self.most_waiting:
            raise Problem(503, "too many requests at once; try again in a moment", headers={"Retry-After": "1"})
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1

    def leave(self) -> None:
        self._free.release()


class Guard:
    """An ASGI application around another. `who`: headers and address of the caller -> what it may do."""

    def __init__(self, app: ASGIApp, *, who: Callable[[Headers, str | None], Access], room: Room, metrics: Metrics) -> None:
        self.app, self.who, self.room, self.metrics = app, who, room, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        return await _Exchange(self, scope, send).run(receive)


class _Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, send: Send) -> None:
        self.guard, self.scope, self._send = guard, scope, send
        self.headers = Headers(scope=scope)
        given = self.headers.get("x-request-id", "")
        self.id = given if _PLAIN_ID.fullmatch(given) else secrets.token_hex(8)
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.state["request_id"], self.state["told"] = self.id, {}
        self.status, self.started = 0, time.perf_counter()
        self.access: Access | None = None
        self.state["started"] = self.started
        self.received = 0

    async def run(self, receive: Receive) -> None:
        try:
            await self._guarded(receive)
        except Exception as error:
            await self._failed(error)
        finally:
            self._log()

    async def _guarded(self, receive: Receive) -> None:
        path = _path(self.scope)
        if path.startswith(HEALTH):
            return await self.guard.app(self.scope, receive, self.send)
        client = self.scope.get("client")
        self.access = self.state["access"] = self.guard.who(self.headers, client[0] if client else None)
        most = at_most.BULK_BYTES if path == BULK else at_most.BODY_BYTES
        self._check_length(most)
        await self.guard.room.enter()
        try:
            await self.guard.app(self.scope, lambda: self._counted(receive, most), self.send)
        finally:
            self.guard.room.leave()

    def _check_length(self, most: int) -> None:
        told = self.headers.get("content-length", "0")
        if not told.isdigit() or int(told[:18]) > most:
            raise _too_large(most)

    async def _counted(self, receive: Receive, most: int) -> Message:
        message = await receive()
        self.received += len(message.get("body", b""))
        if self.received > most:
            raise _too_large(most)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, "X-Request-Id": self.id}.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def _failed(self, error: Exception) -> None:
        problem = problem_of(error)
        if problem.status == 500:
            log.error("request %s failed", self.id, exc_info=error)
        if self.status:
            return  # the answer is under way; it ends here
        await problem.response(self.id)(self.scope, _nothing, self.send)

    def _log(self) -> None:
        route = getattr(self.scope.get("route"), "path", "unknown")
        took_s = time.perf_counter() - self.started
        self.guard.metrics.request(route, self.scope["method"], self.status, took_s)
        line = {
            "time": round(time.time(), 3),
            "request_id": self.id,
            "key": self.access.key if self.access else None,
            "method": self.scope["method"] if self.scope["method"].isalpha() else "odd",
            "route": route,
            "status": self.status,
            "ms": round(took_s * 1e3, 2),
            **self.state["told"],
        }
        log.info("%s", json.dumps(line))


def _path(scope: Scope) -> str:
    """The path below the prefix that a proxy may have put before it."""
    path, root = scope["path"], scope.get("root_path", "")
    return str(path[len(root) :] if root and path.startswith(root) else path)


def _too_large(most: int) -> Problem:
    return Problem(413, f"the body is longer than {most:,} bytes; send it in parts, or things by POST {BULK}")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
