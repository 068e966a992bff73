"""Whether an id stood before, for more ids than memory could hold."""

from __future__ import annotations

from collections import deque

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput


class SeenIds:
    """Remembers ids by 64 bits each; two different ids among a hundred million are taken for equal with probability 0.0003.

    Sorted runs that double in length are searched: about log2(n / batch) binary searches an id, 8 bytes an id.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.count = 0
        self._runs: deque[np.ndarray] = deque()  # longest first

    def add(self, ids: pa.ChunkedArray) -> None:
        """Refuse ids that are missing or stood before, naming the row (from 1); remember the rest."""
        names = ids.to_pylist()
        if ids.null_count:
            raise BadInput(f"{self.where}: row {self.count + names.index(None) + 1} has no id; give each row one")
        marks = np.fromiter(map(hash, names), np.int64, len(names))
        run, first = np.unique(marks, return_index=True)
        again = np.ones(len(marks), bool)
        again[first] = False
        for older in self._runs:
            again |= older[np.minimum(np.searchsorted(older, marks), len(older) - 1)] == marks
        if again.any():
            row = int(np.argmax(again))
            raise BadInput(f"{self.where}: the id {names[row]!r} of row {self.count + row + 1} stood before; ids must be unique")
        self.count += len(names)
        self._remember(run)

    def _remember(self, run: np.ndarray) -> None:
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)
