"""What is said beside the results: progress and guesses, on stderr."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


def say(message: str) -> None:
    """One line for the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the present step on a terminal, else a line a step; each step first minds a Ctrl-C that came before.

    A library that is being imported may swallow the KeyboardInterrupt of a signal, so the signal is remembered too.
    """
    asked: list[int] = []

    def remember(number: int, _frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        if sys.stderr.isatty():
            from rich.console import Console

            with Console(stderr=True).status(what) as status:
                yield _minding(asked, status.update)
        else:
            yield _minding(asked, say)
    finally:
        signal.signal(signal.SIGINT, before)


def _minding(asked: Sequence[int], show: Callable[[str], None]) -> Callable[[str], None]:
    """To show a message, unless somebody asked to stop."""

    def step(message: str) -> None:
        if asked:
            raise KeyboardInterrupt
        show(message)

    return step
