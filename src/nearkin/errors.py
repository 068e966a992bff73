"""What can go wrong, one class a kind; every message says what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class NearkinError(Exception):
    """The root of all errors that nearkin raises on purpose."""


class BadInput(NearkinError, ValueError):
    """Data, a file or an argument is refused; the message names the row, field or path and the remedy."""


class ShapeError(BadInput):
    """Numbers of the wrong shape or type, or NaN and inf where finite ones were expected."""


class NotFitted(NearkinError):
    """A part that learns was applied before `fit`."""


class StageError(NearkinError, TypeError):
    """Two parts were joined whose tables do not meet."""


class StorageError(BadInput):
    """What lies on the disk cannot be read, or not be written: it is full, failing, not allowed, or holds something else."""


class Missing(NearkinError, ImportError):
    """An optional package is absent; the message holds the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package!r}, which is not installed; run: pip install 'nearkin[{extra}]'")


class Busy(NearkinError):
    """What is needed cannot be had now, but maybe later: another writer holds the collection, or a store outside does not answer."""


def listed(things: Iterable[object], most: int = 5) -> str:
    """The first few things as a readable list, and how many more there are.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = [repr(thing) for thing in things]
    rest = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {rest} more" if rest > 0 else "")
