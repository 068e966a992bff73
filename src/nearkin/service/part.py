"""What one process of a service does beside the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from nearkin.service.board import Board

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # names the folder in which processes count together; prometheus_client reads it when imported
BEAT_S = 0.5
WRITER = 0  # the number of the writer; workers count from 1


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
