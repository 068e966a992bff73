"""Where an id stands, without reading all of them at each look-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class IdPlaces:
    """Hashes of ids, int64 [n], rising, and the row of each, int32 [n]; ids of equal hash are told apart by reading them.

    Memory: 12 bytes an id. Hashes hold for this process only.
    """

    hashes: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, ids: Sequence[str]) -> Self:
        hashes = _hashed(ids)
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        return cls(hashes[order], order)

    def find(self, ids: Sequence[str], id_at: Callable[[int], str]) -> np.ndarray:
        """The row of each id, -1 where there is none: int32; `id_at` tells the id of a row."""
        wanted = _hashed(ids)
        found = np.full(len(wanted), -1, np.int32)
        firsts, lasts = (np.searchsorted(self.hashes, wanted, side=side) for side in ("left", "right"))
        for place in np.flatnonzero(lasts > firsts).tolist():
            for row in self.rows[firsts[place] : lasts[place]].tolist():
                if id_at(row) == ids[place]:
                    found[place] = row
        return found

    def changed(self, moved: np.ndarray | None, more: Sequence[str], first: int) -> Self:
        """With rows moved (int32, by the old row; -1: gone; None: all stay) and more ids in the rows from `first` on."""
        hashes, rows = self.hashes, self.rows
        if moved is not None:
            rows = moved[rows]
            stays = rows >= 0
            hashes, rows = hashes[stays], rows[stays]
        new = type(self).of(more)
        at = np.searchsorted(hashes, new.hashes)
        return type(self)(np.insert(hashes, at, new.hashes), np.insert(rows, at, new.rows + np.int32(first)))


def _hashed(ids: Iterable[str]) -> np.ndarray:
    return np.fromiter(map(hash, ids), np.int64)
