"""A table in pieces of at most a thousand rows, so that a change costs the pieces it touches and not the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

PIECE = 1_024  # rows: copying one takes less time than telling Arrow of it


@dataclass(frozen=True)
class Pieces:
    """Record batches, none of them empty, and the row that each ends before: int64 [pieces], rising."""

    batches: tuple[pa.RecordBatch, ...]
    ends: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Nothing is copied."""
        return cls._made([batch for batch in table.to_batches(max_chunksize=PIECE) if len(batch)])

    @classmethod
    def _made(cls, batches: list[pa.RecordBatch]) -> Self:
        return cls(tuple(batches), np.cumsum([len(batch) for batch in batches], dtype=np.int64))

    def without(self, rows: np.ndarray) -> Self:
        """Less these rows, int64, rising. Cost: the pieces they stand in, and one look at each other."""
        batches, owner = list(self.batches), np.searchsorted(self.ends, rows, side="right")
        for number in np.unique(owner).tolist():
            stays = np.ones(len(batches[number]), bool)
            stays[rows[owner == number] - (self.ends[number] - len(stays))] = False
            batches[number] = batches[number].filter(pa.array(stays))
        return self._made([batch for batch in batches if len(batch)])

    def followed_by(self, table: pa.Table) -> Self:
        """With the rows of a table of the same schema behind; what fits into the last piece is put there."""
        batches, more = list(self.batches), [batch for batch in table.to_batches(max_chunksize=PIECE) if len(batch)]
        if batches and more and len(batches[-1]) + len(more[0]) <= PIECE:
            batches[-1] = pa.concat_batches([batches[-1], more.pop(0)])
        return self._made([*batches, *more])

    def take(self, rows: np.ndarray) -> pa.Table:
        """Some rows, int64, in this order. Cost: the pieces they stand in; Arrow itself would first join all pieces to one."""
        owner = np.searchsorted(self.ends, rows, side="right")
        order = np.argsort(owner, kind="stable")
        places = np.empty(len(rows), np.int64)
        places[order] = np.arange(len(rows))
        numbers, starts = np.unique(owner[order], return_index=True)
        groups = np.split(rows[order], starts[1:])
        parts = [self._some(number, group) for number, group in zip(numbers.tolist(), groups)]
        return pa.Table.from_batches([pa.concat_batches(parts).take(pa.array(places))])

    def _some(self, number: int, rows: np.ndarray) -> pa.RecordBatch:
        batch = self.batches[number]
        return batch.take(pa.array(rows - (self.ends[number] - len(batch))))


def moved_rows(size: int, gone: np.ndarray) -> np.ndarray:
    """Where each of `size` rows stands once some are gone: int32 [size], -1 for those."""
    stays = np.ones(size, bool)
    stays[gone] = False
    places = np.cumsum(stays, dtype=np.int32) - np.int32(1)
    places[gone] = -1
    return places
