"""All commands under one name, with errors turned into one line and an exit status."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from nearkin import __version__
from nearkin.cli.add import add
from nearkin.cli.backup import backup, restore
from nearkin.cli.build import build
from nearkin.cli.calibrate import calibrate
from nearkin.cli.compact import compact
from nearkin.cli.doctor import doctor
from nearkin.cli.evaluate import evaluate
from nearkin.cli.export import export
from nearkin.cli.info import info
from nearkin.cli.key import key, keys, revoke
from nearkin.cli.layout import layout
from nearkin.cli.match import match
from nearkin.cli.papers import papers
from nearkin.cli.recommend import recommend
from nearkin.cli.remove import remove
from nearkin.cli.reproduce import reproduce
from nearkin.cli.search import search
from nearkin.cli.serve import serve
from nearkin.cli.similar import similar
from nearkin.cli.tune import tune
from nearkin.errors import NearkinError

BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 2, 130, 141

app = typer.Typer(
    name="nearkin",
    help="Find, recommend, match and make things by what they are.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with refusals shown as one message, no traceback."""

    @functools.wraps(command)
    def run(*args: Any, **named: Any) -> None:
        try:
            command(*args, **named)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt:
            stop("interrupted", INTERRUPTED)
        except UnicodeError as error:
            stop(f"a text here is not UTF-8 ({error}); convert it, for example with iconv", BAD_INPUT)
        except (NearkinError, OSError) as error:
            stop(str(error), BAD_INPUT)

    return run


def stop(message: str, status: int) -> None:
    """Say why, and leave."""
    print(f"nearkin: {message}", file=sys.stderr)
    raise typer.Exit(status) from None


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"nearkin {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="show the version and leave")] = False,
) -> None:
    """Find, recommend, match and make things by what they are."""


for _panel, _commands in {
    "A collection": (build, add, remove, info, export, compact, doctor, backup, restore),
    "Answers": (search, similar, recommend, match),
    "A service": (serve, layout, key, keys, revoke),
    "Measuring": (evaluate, calibrate, tune, papers, reproduce),
}.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(guarded(_command))
