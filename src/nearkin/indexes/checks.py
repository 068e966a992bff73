"""What every index refuses at its border, in the same words."""

from __future__ import annotations

from typing import Any

import numpy as np

from nearkin.errors import BadInput, ShapeError, listed
from nearkin.tables import Catalog


def check_table(part: object, table: Any, kind: type) -> None:
    """Refuse another table than the one this part works on."""
    if not isinstance(table, kind):
        raise ShapeError(f"{type(part).__name__} works on {kind.__name__}, got {type(table).__name__}; use an encoder that gives them")


def check_dim(part: object, held: int, came: int) -> None:
    """Refuse queries or items of another dim than the items held."""
    if held != came:
        raise ShapeError(f"{type(part).__name__} holds dim {held}, got {came}; use one encoder for items and queries")


def checked_keep(keep: np.ndarray | None, size: int) -> np.ndarray | None:
    """The filter as it is, after refusing other than bool [n]."""
    if keep is not None and (not isinstance(keep, np.ndarray) or keep.dtype != np.bool_ or keep.shape != (size,)):
        what = f"{keep.dtype} {list(keep.shape)}" if isinstance(keep, np.ndarray) else type(keep).__name__
        raise ShapeError(f"keep must be a NumPy array of bool [{size}], one for each item, got {what}")
    return keep


def checked_rows_held(rows: Any, size: int) -> np.ndarray:
    """Rows of items as int64, after refusing those that are not there."""
    rows = np.asarray(rows)
    if rows.size and rows.dtype.kind not in "iu":
        raise BadInput(f"rows of items are integers, got {rows.dtype}")
    wrong = rows[(rows < 0) | (rows >= size)] if rows.size else rows
    if wrong.size:
        raise BadInput(f"no such rows: {listed(wrong.ravel()[:20].tolist())}; the index holds rows 0 to {size - 1}")
    return rows.astype(np.int64)


def marked(gone: np.ndarray, rows: Any) -> np.ndarray:
    """A copy of the marks bool [n] of removed items in which these rows are marked too; refused: rows that are not there."""
    marks = np.array(gone)
    marks[checked_rows_held(rows, len(marks))] = True
    return marks


def checked_candidates(rows: Any, queries: int, size: int) -> np.ndarray:
    """Candidates as int64 [q, c], after refusing another shape or rows that are not there; -1 is none."""
    rows = np.asarray(rows)
    if rows.ndim != 2 or len(rows) != queries or rows.dtype.kind not in "iu":
        raise ShapeError(f"candidates are integer rows [{queries}, c], one line for each query; got {rows.dtype} {list(rows.shape)}")
    if rows.size and (rows.min() < -1 or rows.max() >= size):
        raise BadInput(f"candidates lie in [{rows.min()}, {rows.max()}]; the index holds rows 0 to {size - 1}, and -1 means none")
    return rows.astype(np.int64)


def joined_things(part: object, first: Catalog | None, second: Catalog | None) -> Catalog | None:
    """The catalogue of the items held and those added."""
    if (first is None) != (second is None):
        raise BadInput(f"{type(part).__name__}: the items held and those added must both know their things, or neither")
    return None if first is None or second is None else first.followed_by(second)
