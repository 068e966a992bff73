"""Work of one kind that waits at the same time is done in one go: what a search costs is mostly the same for one query and for eight."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Condition
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 16  # parts done in one go


class _Part:
    """What one caller brought, and what came of it."""

    def __init__(self, kind: Hashable, given: Any) -> None:
        self.kind, self.given = kind, given
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None


class Together:
    """A caller who finds no more than `lanes` others at work does its part at once, and with it all parts of its kind that wait."""

    def __init__(self, lanes: int) -> None:
        self._free, self._waiting = lanes, list[_Part]()
        self._turn = Condition()

    def __call__(self, kind: Hashable, given: Any, work: Callable[[list[Any]], Sequence[T]]) -> T:
        """The result for what is given; `work` gets such parts of one kind, and gives a result for each."""
        mine = _Part(kind, given)
        with self._turn:
            self._waiting.append(mine)
            while not mine.done and (not self._free or mine not in self._waiting):
                self._turn.wait()
            group = [] if mine.done else self._taken(mine)
        if group:
            self._do(group, work)
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[no-any-return]

    def _taken(self, mine: _Part) -> list[_Part]:
        """This part first, and others of its kind."""
        others = [part for part in self._waiting if part is not mine and part.kind == mine.kind]
        group = [mine, *others[: MOST - 1]]
        self._waiting = [part for part in self._waiting if part not in group]
        self._free -= 1
        return group

    def _do(self, group: list[_Part], work: Callable[[list[Any]], Sequence[T]]) -> None:
        try:
            _done(group, work)
        finally:
            with self._turn:
                self._free += 1
                for part in group:
                    part.done = True
                self._turn.notify_all()


def _done(group: list[_Part], work: Callable[[list[Any]], Sequence[T]]) -> None:
    """All in one go; where that fails, each alone, so that nobody hears of a fault of others."""
    try:
        for part, result in zip(group, work([part.given for part in group]), strict=True):
            part.result = result
    except BaseException as error:
        group[0].error = error
        if len(group) > 1:
            for part in group:
                part.error = None
                _done([part], work)
