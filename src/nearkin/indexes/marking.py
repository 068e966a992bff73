"""Indexes that keep what was removed and pass it by."""

from __future__ import annotations

from copy import copy
from typing import Self

import numpy as np

from nearkin.indexes.checks import marked
from nearkin.stage import Index, fitted


class MarkingIndex(Index):
    """`gone_`, bool [n], says which rows may not be hits any more; `add` of an index makes it longer."""

    gone_: np.ndarray | None

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.gone_ = marked(self.gone_, rows)  # type: ignore[arg-type]
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).gone_)  # type: ignore[arg-type]
