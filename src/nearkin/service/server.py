"""One process of a service: its application behind a socket that is open already."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import sys
from typing import Any

import uvicorn

from nearkin.service.accepting import Acceptor, Places
from nearkin.service.connections import patient
from nearkin.service.settings import Settings

BACKLOG = 2048  # connections that wait to be taken
DRAIN_S = 10  # for requests under way when the service is stopped
IDLE_S = 5


class _Server(uvicorn.Server):
    """Takes the connections itself, in turn with the other processes that listen on the same socket."""

    def __init__(self, config: uvicorn.Config, places: Places | None = None) -> None:
        super().__init__(config)
        self.places, self.acceptors = places, list[Acceptor]()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        for each in sockets or ():
            each.listen(BACKLOG)
            self.acceptors.append(Acceptor(each, self._protocol, lambda: len(self.server_state.connections), self.places))

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def on_tick(self, counter: int) -> bool:
        for each in self.acceptors:
            each.tell()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in self.acceptors:
            each.close()
        await super().shutdown(sockets)


def serve(app: Any, settings: Settings, listening: socket.socket, places: Places | None = None) -> None:
    """Until the process is told to end (SIGTERM, SIGINT); requests under way are answered before it does."""
    _more_files()
    config = _config(app, settings, http=patient(settings.connections, settings.patience_s), timeout_keep_alive=IDLE_S)
    _Server(config, places).run([listening])


def serve_workers(app: Any, settings: Settings, listening: socket.socket) -> None:
    """The same for the writer, whom only workers ask: their connections are kept, so that none closes as it is used."""
    _more_files()
    _Server(_config(app, settings, timeout_keep_alive=86_400)).run([listening])


def _config(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    told: dict[str, Any] = {"http": "httptools", "loop": "asyncio", **more}
    return uvicorn.Config(
        app, root_path=settings.root_path.rstrip("/"), log_config=None, log_level="warning", access_log=False, ws="none",
        server_header=False, timeout_graceful_shutdown=DRAIN_S, **told,
    )  # fmt: skip


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that other machines may reach where the host says so. Raises OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=BACKLOG)
    made.setblocking(False)
    return made


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _more_files() -> None:
    """As many open files as the system allows; each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
