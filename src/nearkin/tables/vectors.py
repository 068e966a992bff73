"""Dense vectors: one row a thing."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Self

import numpy as np

from nearkin.errors import ShapeError
from nearkin.tables.catalog import Catalog

_CHECK_ROWS = 65_536  # NaN check by blocks, so that a memory map is never loaded whole


class Vectors:
    """`rows`: float32 or float16 [n, d], may be a memory map; `things`: the catalogue the rows belong to, or None.

    Refused (`ShapeError`): another number of dimensions or type, NaN or inf (the first bad row is named), a count other than
    that of `things`.
    """

    def __init__(self, rows: np.ndarray, things: Catalog | None = None) -> None:
        self.rows = checked_rows(rows)
        self.things = things
        check_count(len(rows), things)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} x {self.dim}, {self.rows.dtype})"

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return int(self.rows.shape[1])

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The vectors (and things) at these rows."""
        return type(self)(self.rows[np.asarray(rows, np.int64)], None if self.things is None else self.things.take(rows))


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a zero row stays zero. float [n, d] -> float32 [n, d]."""
    rows = np.asarray(rows, np.float32)
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    return rows / np.where(length > 0, length, 1).astype(np.float32)


def checked_rows(rows: np.ndarray) -> np.ndarray:
    """Rows as they are, after refusing what vectors may not be."""
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype not in (np.float32, np.float16):
        what = f"{rows.dtype} {list(rows.shape)}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise ShapeError(f"vectors are a NumPy array [n, dim] of float32 or float16, got {what}; convert it with .astype(numpy.float32)")
    for start in range(0, len(rows), _CHECK_ROWS):
        block = rows[start : start + _CHECK_ROWS]
        if block.dtype == np.float32 and isfinite(np.vdot(block, block)):
            continue  # a sum of squares is finite only where all are, and takes a tenth of the time
        finite = np.isfinite(block).all(1)
        if not finite.all():
            raise ShapeError(f"row {start + int(np.argmin(finite))} holds NaN or inf; vectors must be finite")
    return rows


def check_count(count: int, things: Catalog | None) -> None:
    if things is not None and len(things) != count:
        raise ShapeError(f"expected one row a thing: {count} rows for {len(things)} things")
