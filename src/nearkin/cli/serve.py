"""nearkin serve: a collection over HTTP."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from nearkin.cli.options import Place
from nearkin.cli.talk import say
from nearkin.errors import BadInput, Missing
from nearkin.service.settings import ENVIRONMENT, Settings, described, from_file


def _told(context: typer.Context, path: Path | None) -> Path | None:
    """Settings of a file stand in for defaults: a flag or a variable speaks louder."""
    if path is not None:
        try:
            context.default_map = {**(context.default_map or {}), **from_file(path)}
        except BadInput as error:
            raise typer.BadParameter(str(error)) from error
    return path


Config = Annotated[
    Path | None,
    Option(help="a TOML file of settings, a line each", metavar="FILE", is_eager=True, callback=_told, envvar=f"{ENVIRONMENT}CONFIG"),
]


def serve(place: Place, config: Config = None, **told: Any) -> None:
    """Offer a collection over HTTP: search, similar, recommend, items, jobs; the whole interface is at /v1/openapi.json.

    Every option may also stand in the environment or in a file of settings; an option given here holds before both.
    """
    _run(place, Settings(**told))


def _run(place: Path, settings: Settings) -> None:
    try:
        from nearkin.service import server
        from nearkin.service.supervisor import Supervisor
    except ImportError as error:
        raise Missing(error.name or "fastapi", "serve") from error
    _check_open(place, settings.host)
    server.log_to_stderr()
    with server.listening_on(settings.host, settings.port) as listening:
        say(f"{place}: serving at {server.address_of(listening)}{settings.root_path.rstrip('/')}; stop with Ctrl-C")
        if settings.workers > 1:
            Supervisor(place, settings, listening, server.cores()).run()
        else:
            from nearkin.service.app import create_app

            server.serve(create_app(place, settings=settings, early=True), settings, listening)


def _options() -> list[inspect.Parameter]:
    """One option a setting, so that there is one list of them."""
    found = []
    for name, (kind, default, more) in described().items():
        option = Option(envvar=f"{ENVIRONMENT}{name.upper()}", **more)
        found.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]))
    return found


_own = inspect.signature(serve, eval_str=True)
serve.__signature__ = _own.replace(parameters=[*list(_own.parameters.values())[:2], *_options()])  # type: ignore[attr-defined]
serve.__annotations__ |= {each.name: each.annotation for each in _options()}


def _check_open(place: Path, host: str) -> None:
    """Refuse to listen to other machines while anyone could write."""
    from nearkin.collection.manifest import Manifest
    from nearkin.service.access import is_loopback
    from nearkin.service.keys import Keys
    from nearkin.service.state import State

    Manifest.read(place)
    if not is_loopback(host) and not Keys(State(place)).listed():
        raise BadInput(f"{host} can be reached from other machines, and {place} has no key yet; make one with: nearkin key {place}")
