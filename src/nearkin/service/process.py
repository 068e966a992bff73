"""One process of a service of several, made by the supervisor: python -m nearkin.service.process FOLDER [in-haste], its order on stdin.

It loads all that it may need and rehearses, in the folder that the processes share, so that no request waits for a first time. One that
has no order yet is a spare, and can take the place of one that died within moments.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from nearkin.service import handing, server
from nearkin.service.accepting import Places
from nearkin.service.app import create_app
from nearkin.service.board import Board
from nearkin.service.following import private_socket
from nearkin.service.part import IN_HASTE, Order, Part
from nearkin.service.warming import rehearse


def main(order: Order) -> None:
    """Serve until told to end."""
    threading.Thread(target=_end_with_the_supervisor, args=(Path(order.run),), daemon=True).start()
    server.log_to_stderr()
    part = Part(Path(order.run), order.number, Board(Path(order.run)))
    app = create_app(order.place, settings=order.settings, part=part, early=order.early)
    shared = socket.socket(fileno=order.listening)
    if part.writes:
        shared.close()
        server.serve_workers(app, order.settings, private_socket(part.run / handing.NAME))
    else:
        server.serve(app, order.settings, shared, Places(part.board, part.number))


def _end_with_the_supervisor(run: Path) -> None:
    """The other end of the pipe closes when the supervisor ends, however it ends; then nobody else clears up."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    if IN_HASTE not in sys.argv:
        rehearse(Path(sys.argv[1]) / f"rehearsal-{os.getpid()}")
    if order := sys.stdin.readline():  # none: the service ended before it needed this one
        main(Order.read(order))
