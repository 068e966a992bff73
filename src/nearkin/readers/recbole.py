"""RecBole's atomic files (.inter, .item, .user): tab-separated, each field named with its type in the header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput
from nearkin.readers.delimited import delimited_batches

TYPES = ("token", "token_seq", "float", "float_seq")


def recbole_batches(path: Path) -> Iterator[pa.Table]:
    """Tables with plain field names: token -> string, float -> float64, *_seq (parted by spaces) -> lists of those.

    Refused: a header field without one of the four types, a float that is no number, and what TSV files are refused for.
    """
    done = 0
    for batch in delimited_batches(path, "\t", quotes=False):
        columns = {}
        for header, column in zip(batch.column_names, batch.columns):
            name, kind = _typed(header, path)
            columns[name] = _read_as(kind, column, f"{path}, after row {done}, field {name!r}")
        done += batch.num_rows
        yield pa.table(columns)


def _typed(header: str, path: Path) -> tuple[str, str]:
    name, _, kind = header.rpartition(":")
    if not name or kind not in TYPES:
        raise BadInput(f"{path}, line 1: the header must read NAME:TYPE with TYPE one of {', '.join(TYPES)}; got {header!r}")
    return name, kind


def _read_as(kind: str, column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    wanted = pa.float64() if kind.startswith("float") else pa.string()
    if kind.endswith("_seq"):
        column, wanted = pc.utf8_split_whitespace(column), pa.list_(wanted)
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid as error:
        raise BadInput(f"{where}: {error}; the header says {kind}, correct it or the value") from error
