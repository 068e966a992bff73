"""Fitting the stages anew beside the work, once many of the things are new."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from nearkin.collection.snapshot import Snapshot

REBUILD_SHARE, REBUILD_LEAST = 0.25, 2_000  # stages are refitted once this share, and this many, of the things are new
log = logging.getLogger("nearkin.collection")


def grown(snapshot: Snapshot) -> bool:
    """Whether so much came since the stages were fitted that they are to be fitted anew."""
    new = max(branch.added for branch in snapshot.branches.values())
    return new >= max(REBUILD_LEAST, REBUILD_SHARE * len(snapshot.catalog))


class Rebuilding:
    """One fit at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._thread: Thread | None = None

    @property
    def under_way(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, place: Path, compact: Callable[[], object]) -> None:
        """Call `compact` in the thread; that it failed is told in the log."""
        self._thread = Thread(target=_tried, args=(place, compact), name="nearkin-rebuild")
        self._thread.start()

    def wait(self) -> None:
        """Until the fit that is under way has ended."""
        if self._thread is not None:
            self._thread.join()


def _tried(place: Path, compact: Callable[[], object]) -> None:
    try:
        compact()
    except Exception:  # nothing is lost: what is there answers on, and the next write tries again
        log.warning("the stages of %s could not be fitted anew", place, exc_info=True)
