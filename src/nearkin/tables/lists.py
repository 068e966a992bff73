"""Columns that may hold several values a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def is_list(kind: pa.DataType) -> bool:
    """Whether a field of this type holds several values a row."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def flattened(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """The row of each value, rising, and the values one after another: of lists all of theirs, of others one a row, nulls too."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if is_list(whole.type):
        return np.asarray(pc.list_parent_indices(whole)), pc.list_flatten(whole)
    return np.arange(len(whole)), whole
