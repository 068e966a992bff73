"""One process of a service of several: python -m nearkin.service.process ORDER; made by the supervisor, ends with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nearkin.service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the process is to do. `listening`: the number of the shared socket; `early`: whether to answer before all is warm."""

    place: str
    run: str
    number: int
    listening: int
    early: bool
    settings: Settings

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Order:
        told: dict[str, Any] = json.loads(text)
        return cls(**{**told, "settings": Settings(**told["settings"])})


def main(order: Order) -> None:
    """Serve until told to end."""
    threading.Thread(target=_end_with_the_supervisor, args=(Path(order.run),), daemon=True).start()
    from nearkin.service import handing, server
    from nearkin.service.app import create_app
    from nearkin.service.board import Board
    from nearkin.service.following import private_socket
    from nearkin.service.part import Part

    server.log_to_stderr()
    part = Part(Path(order.run), order.number, Board(Path(order.run)))
    app = create_app(order.place, settings=order.settings, part=part, early=order.early)
    if part.writes:
        server.serve_workers(app, order.settings, private_socket(part.run / handing.NAME))
    else:
        server.serve(app, order.settings, socket.socket(fileno=order.listening))


def _end_with_the_supervisor(run: Path) -> None:
    """The other end of the pipe closes when the supervisor ends, however it ends; then nobody else clears up."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    main(Order.read(sys.argv[1]))
