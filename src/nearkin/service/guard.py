"""What stands before every request: its number, who asks, whether there is room, how long the body may be; and after: the log."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nearkin.errors import Busy
from nearkin.service import limits as at_most
from nearkin.service.access import Access
from nearkin.service.body import Body
from nearkin.service.metrics import Metrics
from nearkin.service.problems import Problem, problem_of
from nearkin.service.rooms import Room, Seat

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
PATIENCE_S = 10.0


async def at_once() -> None:
    """Nothing has to be waited for."""


class Guard:
    """An ASGI application around another.

    `who`: headers and address of the caller -> what it may do; `rate`: what the answers to it say of how often it may ask, and refuses
    (429) what is too often; `before`: returns when the application may answer; `quiet`: another process tells of each request.
    """

    def __init__(
        self, app: ASGIApp, *, who: Callable[[Headers, str | None], Access], room: Room, metrics: Metrics,
        rate: Callable[[Access], Mapping[str, str]] = lambda _: {}, before: Callable[[], Awaitable[None]] = at_once,
        patience_s: float = PATIENCE_S, quiet: bool = False,
    ) -> None:  # fmt: skip
        self.app, self.who, self.room, self.metrics = app, who, room, metrics
        self.rate, self.before, self.patience_s, self.quiet = rate, before, patience_s, quiet

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
        self.seat = self.state["seat"] = Seat(guard.room)
        self.more_headers: Mapping[str, str] = {}

    async def run(self, receive: Receive) -> None:
        try:
            await self._guarded(receive)
        except Exception as error:
            await self._failed(error)
        finally:
            if not self.guard.quiet:
                self._log()

    async def _guarded(self, receive: Receive) -> None:
        path = _path(self.scope)
        if path.startswith(HEALTH):
            return await self.guard.app(self.scope, receive, self.send)
        client = self.scope.get("client")
        self.access = self.state["access"] = self.guard.who(self.headers, client[0] if client else None)
        self.more_headers = self.guard.rate(self.access)
        most = at_most.BULK_BYTES if path == BULK else at_most.BODY_BYTES
        self._check_length(most)
        body = Body(receive, most, _too_large(most), self.guard.patience_s)
        await body.begin()
        await self.guard.before()
        await self.seat.take()
        try:
            await self.guard.app(self.scope, body.receive, self.send)
        finally:
            self.seat.leave()

    def _check_length(self, most: int) -> None:
        told = self.headers.get("content-length", "0")
        if not told.isdigit() or int(told[:18]) > most:
            raise _too_large(most)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.seat.leave()  # the work is done; how slowly it is read holds up nobody
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, "X-Request-Id": self.id, **self.more_headers}.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def _failed(self, error: Exception) -> None:
        problem = problem_of(error)
        if problem.status >= 500 and not isinstance(error, Problem | Busy):
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
