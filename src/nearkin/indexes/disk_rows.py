"""Floats on disk of which only the rows asked for are read."""

from __future__ import annotations

import tempfile
from typing import Self

import numpy as np

BLOCK = 16_384  # rows written at once


class DiskRows:
    """Rows float32 or float16 [n, d] in one memory map or several; `read` counts the rows that were looked at.

    What is written lies in a file without a name, which vanishes with the last object that maps it.
    """

    def __init__(self, parts: list[np.ndarray]) -> None:
        self.parts = parts
        self.starts = np.cumsum([0] + [len(part) for part in parts])
        self.read = 0

    @classmethod
    def written(cls, rows: np.ndarray, folder: str | None = None) -> Self:
        """These rows, block by block to a file in the folder (None: the system's for such files); a memory map is taken as it is."""
        if isinstance(rows, np.memmap) or not rows.size:
            return cls([rows])
        with tempfile.TemporaryFile(dir=folder) as file:
            held = np.memmap(file, rows.dtype, "w+", shape=rows.shape)
            for start in range(0, len(rows), BLOCK):
                held[start : start + BLOCK] = rows[start : start + BLOCK]
            held.flush()
            return cls([np.memmap(file, rows.dtype, "r", shape=rows.shape)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def dim(self) -> int:
        """Numbers a row."""
        return int(self.parts[0].shape[1])

    def take(self, rows: np.ndarray) -> np.ndarray:
        """These rows, in this order: int [m] -> float32 [m, d]."""
        self.read += len(rows)
        found = np.empty((len(rows), self.dim), np.float32)
        owner = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(owner):
            here = owner == number
            found[here] = self.parts[number][rows[here] - self.starts[number]]
        return found

    def followed_by(self, other: DiskRows) -> DiskRows:
        """These rows and then those, nothing copied."""
        return DiskRows([*self.parts, *other.parts])
