"""The texts that were searched for last, where the owner lets queries be noted: in the memory of this process, and nowhere else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any

MOST = 1_000


class Seen:
    """Each text once, those asked last at the end; noted by one thread, read by others."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def note(self, queries: Iterable[Any]) -> None:
        """Remember the texts among these; things and vectors that were asked for are none."""
        with self._lock:
            for text in queries:
                if isinstance(text, str) and text.strip():
                    self._texts[text] = None
                    self._texts.move_to_end(text)
            while len(self._texts) > MOST:
                self._texts.popitem(last=False)

    def last(self, count: int) -> list[str]:
        """The texts asked last, newest first."""
        with self._lock:
            return list(self._texts)[: -count - 1 : -1]
