"""One process of a service: its application behind a socket that is open already."""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
from typing import Any

import uvicorn

from nearkin.service.connections import patient
from nearkin.service.settings import Settings

BACKLOG = 2048  # connections that wait to be taken
AT_ONCE = 4  # taken in one go: few, so that processes that share a socket share its connections too
DRAIN_S = 10  # for requests under way when the service is stopped
IDLE_S = 5


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or ():  # asyncio takes one number for both, and would let only AT_ONCE wait
            each.listen(BACKLOG)


def serve(app: Any, settings: Settings, listening: socket.socket) -> None:
    """Until the process is told to end (SIGTERM, SIGINT); requests under way are answered before it does."""
    _more_files()
    _Server(_config(app, settings, http=patient(settings.connections, settings.patience_s), timeout_keep_alive=IDLE_S)).run([listening])


def serve_workers(app: Any, settings: Settings, listening: socket.socket) -> None:
    """The same for the writer, whom only workers ask: their connections are kept, so that none closes as it is used."""
    _more_files()
    _Server(_config(app, settings, timeout_keep_alive=86_400)).run([listening])


def _config(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    told: dict[str, Any] = {"http": "httptools", "loop": "asyncio", **more}  # libuv takes all that wait, so AT_ONCE would not hold
    return uvicorn.Config(
        app, root_path=settings.root_path.rstrip("/"), log_config=None, log_level="warning", access_log=False, ws="none",
        server_header=False, backlog=AT_ONCE, timeout_graceful_shutdown=DRAIN_S, **told,
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
