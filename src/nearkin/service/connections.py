"""Connections that ask for nothing, or too slowly, do not stand in the way of others."""

from __future__ import annotations

import asyncio
import json
import secrets
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nearkin.service.limits import HEAD_BYTES
from nearkin.service.problems import KIND, Problem


def refusal(problem: Problem) -> bytes:
    """A whole answer, for those who do not come as far as the application."""
    text = json.dumps(problem.body(secrets.token_hex(8))).encode()
    told = {"Content-Type": KIND, "Content-Length": len(text), "Connection": "close", **(problem.headers or {})}
    head = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(head).encode() + text


class Patient(HttpToolsProtocol):
    """One connection of a server that holds at most so many, and waits so long for a request to begin and an answer to be read.

    A head (or what follows a body) of more than HEAD_BYTES is refused. A connection too many ends the one that has been idle for
    longest; where none is idle, it is turned away itself.
    """

    most: int
    patience_s: float
    idle: dict[Patient, None]  # all of the server, in the order in which they became so

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head: asyncio.TimerHandle | None = None
        self._read: asyncio.TimerHandle | None = None
        self._unclear = 0  # bytes since the last that belonged to something whole

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            if not self.idle:
                transport.write(refusal(Problem(503, "too many connections", headers={"Retry-After": "1"})))
                transport.close()
                return
            next(iter(self.idle)).timeout_keep_alive_handler()
        self._rest()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._unclear += len(data)
        super().data_received(data)
        if self._unclear > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"the head of a request has at most {HEAD_BYTES} bytes")
        self._busy() if self.cycle is not None and not self.cycle.response_complete else self._rest()

    def send_400_response(self, msg: str) -> None:
        self.transport.write(refusal(Problem(400, msg)))
        self.transport.close()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._unclear = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unclear = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._unclear = 0

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:  # the rest of a body that nobody reads any more
            self.transport.close()
        if self.cycle is None or self.cycle.response_complete:
            self._rest()

    def connection_lost(self, error: Exception | None) -> None:
        self._busy()
        self.resume_writing()
        super().connection_lost(error)

    def _rest(self) -> None:
        """Nothing is asked; the head of the next request must come in time."""
        if self._head is None and not self.transport.is_closing():
            self.idle[self] = None
            self._head = self.loop.call_later(self.patience_s, self.timeout_keep_alive_handler)

    def _busy(self) -> None:
        self.idle.pop(self, None)
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def timeout_keep_alive_handler(self) -> None:
        self._busy()
        super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reading(self.transport.get_write_buffer_size())

    def _watch_reading(self, left: int) -> None:
        self._read = self.loop.call_later(self.patience_s, self._check_reading, left)

    def _check_reading(self, left: int) -> None:
        """Slow is well; one that took nothing at all since the last look is let go."""
        now = self.transport.get_write_buffer_size()
        self._watch_reading(now) if now < left else self.transport.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._read is not None:
            self._read.cancel()
            self._read = None


def patient(most: int, patience_s: float) -> type[Patient]:
    """The protocol of one server with these bounds, whose idle connections are its own."""
    return type("PatientServer", (Patient,), {"most": most, "patience_s": patience_s, "idle": {}})
