"""nearkin serve: a collection over HTTP."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

from typer import Option

from nearkin.cli.options import Place
from nearkin.cli.talk import say


def serve(
    place: Place,
    host: Annotated[str, Option(help="the address to listen on; another than this machine's own needs a key (see key)")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="0 picks a free one")] = 8720,
    root_path: Annotated[str, Option(help="the prefix that a proxy puts before all paths", metavar="/PREFIX")] = "",
) -> None:
    """Offer a collection over HTTP: search, similar, recommend, items, jobs; the whole interface is at /v1/openapi.json."""
    from nearkin.errors import Missing

    try:
        import uvicorn

        from nearkin.service.app import create_app
        from nearkin.service.limits import HEAD_BYTES
    except ImportError as error:
        raise Missing(error.name or "fastapi", "serve") from error
    _check_open(place, host)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(place),
            host=host,
            port=port,
            root_path=root_path.rstrip("/"),
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            h11_max_incomplete_event_size=HEAD_BYTES,
            timeout_graceful_shutdown=10,
        )
    )
    say(f"{place}: serving; stop with Ctrl-C")
    server.run()


def _check_open(place: Place, host: str) -> None:
    """Refuse to listen to other machines while anyone could write."""
    from nearkin.collection.manifest import Manifest
    from nearkin.errors import BadInput
    from nearkin.service.access import is_loopback
    from nearkin.service.keys import Keys
    from nearkin.service.state import State

    Manifest.read(place)
    if not is_loopback(host) and not Keys(State(place)).listed():
        raise BadInput(f"{host} can be reached from other machines, and {place} has no key yet; make one with: nearkin key {place}")
