"""A worker hands what writes to the writer, and its answer back."""

from __future__ import annotations

from pathlib import Path

import httpx2
from fastapi import Request, Response

from nearkin.service.problems import Problem

NAME = "writer"
OWN = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer", b"x-request-id"}  # of one line, or ours
AGAIN = {"Retry-After": "1"}
CONNECTIONS = 64  # to the writer, of one worker


class Hand:
    """The writer's socket. Bodies are passed on as they come; statuses, headers and problems come back as they are."""

    def __init__(self, path: Path) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=CONNECTIONS, keepalive_expiry=60)
        self._line = httpx2.AsyncHTTPTransport(uds=str(path), limits=limits)

    async def close(self) -> None:
        await self._line.aclose()

    async def __call__(self, request: Request) -> Response:
        """What the writer answers. Refused (503): there is none at the moment, or it went away before it answered."""
        try:
            answer = await self._line.handle_async_request(_passed_on(request))
            body = await answer.aread()
        except httpx2.ConnectError:
            raise Problem(503, "the writer is starting again; nothing was written", headers=AGAIN) from None
        except httpx2.TransportError:
            detail = "the writer went away before it answered; send the same again, links and jobs with the same Idempotency-Key"
            raise Problem(503, detail, headers=AGAIN) from None
        told = Response(body, answer.status_code)
        told.raw_headers += [pair for pair in answer.headers.raw if pair[0].lower() not in OWN | {b"content-length", b"date", b"server"}]
        return told


def _passed_on(request: Request) -> httpx2.Request:
    """The same request for the writer, less the prefix of a proxy, which the writer puts before the path again."""
    path = request.scope["raw_path"][len(request.scope.get("root_path", "")) :]
    query = request.scope["query_string"]
    headers = [pair for pair in request.headers.raw if pair[0] not in OWN]
    return httpx2.Request(
        request.method,
        "http://writer",
        headers=[*headers, (b"x-request-id", request.state.request_id.encode())],
        content=request.stream(),
        extensions={"target": path + (b"?" + query if query else b"")},
    )
