"""Several vectors a thing: tokens of a document, views of an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from nearkin.errors import ShapeError
from nearkin.tables.catalog import Catalog
from nearkin.tables.vectors import check_count, checked_rows


class RaggedVectors:
    """Thing i owns `rows[offsets[i]:offsets[i+1]]`; rows: float32 or float16 [sum m_i, d], offsets: int64 [n + 1]."""

    def __init__(self, rows: np.ndarray, offsets: np.ndarray, things: Catalog | None = None) -> None:
        self.rows = checked_rows(rows)
        self.offsets = np.asarray(offsets, np.int64)
        self.things = things
        if self.offsets.ndim != 1 or len(self.offsets) < 1 or self.offsets[0] != 0 or (np.diff(self.offsets) < 0).any():
            raise ShapeError("offsets must start at 0 and never fall; int64 [n + 1] expected")
        if self.offsets[-1] != len(rows):
            raise ShapeError(f"the last offset is {self.offsets[-1]}, but there are {len(rows)} rows")
        check_count(len(self), things)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"RaggedVectors({len(self):,} things, {len(self.rows):,} x {self.dim}, {self.rows.dtype})"

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return int(self.rows.shape[1])

    def of(self, row: int) -> np.ndarray:
        """The vectors of one thing, [m, d]."""
        return self.rows[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The vectors (and things) at these rows."""
        wanted = np.asarray(rows, np.int64)
        lengths = np.diff(self.offsets)[wanted]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.offsets[wanted] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return type(self)(self.rows[places], offsets, None if self.things is None else self.things.take(wanted))
