"""What is said beside the results: progress and guesses, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def say(message: str) -> None:
    """One line for the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the present step on a terminal, else a line a step."""
    if not sys.stderr.isatty():
        yield say
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield status.update
