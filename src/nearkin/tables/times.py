"""Dates and times, however they are written, as seconds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput

ZONED = r"(Z|[+-]\d{2}:?\d{2})$"


def seconds_of(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """A column as float64 [n]: seconds since 1970 of dates (ISO text too), numbers as they are, NaN where nothing is.

    Times without a zone count as UTC. Refused: text that is no date, other types; the field `name` is named.
    """
    try:
        if pa.types.is_string(column.type):
            column = _parsed(column)
        if pa.types.is_temporal(column.type):
            micros = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
            return np.asarray(pc.divide(micros.cast(pa.float64(), safe=False), 1e6).fill_null(np.nan), np.float64)
        return np.asarray(column.cast(pa.float64(), safe=False).fill_null(np.nan), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"the field {name!r} must hold numbers or dates such as 2024-05-31 12:00:00 ({error}); correct it") from error


def _parsed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO text to times; some with a zone and some without may stand in one column."""
    zoned = pc.fill_null(pc.match_substring_regex(column, ZONED), False)
    none = pa.scalar(None, pa.string())
    with_zone = pc.if_else(zoned, column, none).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "UTC"))
    without = pc.if_else(zoned, none, column).cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.timestamp("us", "UTC"))
    return pc.coalesce(with_zone, without)
