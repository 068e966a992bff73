"""What one process of a service does beside the others."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nearkin.service.board import Board
from nearkin.service.settings import Settings

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # names the folder in which processes count together; prometheus_client reads it when imported
BEAT_S = 0.5
IN_HASTE = "in-haste"  # told to a process that takes the place of one that died, when there is no spare
WRITER = 0  # the number of the writer; workers count from 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the process is to do. `listening`: the number of the shared socket; `early`: whether to answer before all is warm."""

    place: str
    run: str
    number: int
    listening: int
    early: bool
    settings: Settings

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Order:
        told: dict[str, Any] = json.loads(text)
        return cls(**{**told, "settings": Settings(**told["settings"])})


@dataclass(frozen=True)
class Part:
    """`run`: the folder that the processes share while they run; `number`: which of them this is."""

    run: Path
    number: int
    board: Board

    @property
    def writes(self) -> bool:
        return self.number == WRITER

    async def beat(self) -> None:
        """Until cancelled, tell that this process is alive."""
        while True:
            self.board.beat(self.number)
            await asyncio.sleep(BEAT_S)
