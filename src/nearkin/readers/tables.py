"""A file as one Arrow table, or as many of the same schema: by its ending, the format that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.columns import conform, wider
from nearkin.readers.debian_packages import debian_batches
from nearkin.readers.delimited import delimited_batches, narrowest
from nearkin.readers.files import bare_suffix
from nearkin.readers.json_lines import json_line_batches
from nearkin.readers.parquet import parquet_batches
from nearkin.readers.recbole import recbole_batches

Batches = Callable[[Path], Iterator[pa.Table]]

FORMATS: dict[str, Batches] = {
    ".parquet": parquet_batches,
    ".csv": delimited_batches,
    ".tsv": delimited_batches,
    ".jsonl": json_line_batches,
    ".ndjson": json_line_batches,
    ".inter": recbole_batches,
    ".item": recbole_batches,
    ".user": recbole_batches,
}
LIKE_ID = re.compile(r"(^|_)id$|[a-z]Id$", re.ASCII)


def read_table(path: Path, texts: Collection[str] = ()) -> pa.Table:
    """All rows of a file, in plain types; the fields `texts` of a delimited file stay text even where all of them are numbers."""
    batches = list(file_batches(path))
    types = common_types(batches, path, texts)
    return pa.concat_tables([conform(batch, types) for batch in batches])


def file_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a file in tables; their columns may still differ in type."""
    return format_of(path)(path)


def format_of(path: Path) -> Batches:
    """What reads this file; a Debian package index is known by its name, all else by the ending."""
    if path.name.partition(".")[0] == "Packages" or path.name.endswith("_Packages"):
        return debian_batches
    suffix = bare_suffix(path)
    if suffix not in FORMATS:
        raise BadInput(
            f"{path}: the format is told by the ending, one of {', '.join(FORMATS)} (also with .gz or .xz), or the name Packages; "
            f"rename or convert the file"
        )
    return FORMATS[suffix]


def common_types(batches: Iterable[pa.Table], path: Path, texts: Collection[str] = ()) -> dict[str, pa.DataType]:
    """Each field's type over all batches.

    Delimited text is narrowed to numbers where all of it is numbers, except in the fields `texts` and those named like an id;
    the other formats know their types, which must agree.
    """
    types: dict[str, pa.DataType] = {}
    done = 0
    narrow = format_of(path) is delimited_batches
    for batch in batches:
        for name in batch.column_names:
            known = types.get(name, pa.null())
            if narrow:
                types[name] = pa.string() if name in texts or named_like_id(name) else _narrow(known, batch[name])
            else:
                types[name] = _agreed(known, batch[name].type, f"{path}, after row {done}: the field {name!r}")
        done += batch.num_rows
    return types


def named_like_id(name: str) -> bool:
    """Whether a field's name says that it holds ids: id, _id, item_id, itemId."""
    return LIKE_ID.search(name) is not None


def _narrow(known: pa.DataType, column: pa.ChunkedArray) -> pa.DataType:
    return known if pa.types.is_string(known) else wider(known, narrowest(column)) or pa.string()


def _agreed(known: pa.DataType, kind: pa.DataType, where: str) -> pa.DataType:
    both = wider(known, kind)
    if both is None:
        raise BadInput(f"{where} holds {kind}, but {known} before; write one kind in all rows")
    return both


def field_names(path: Path) -> list[str]:
    """The fields of the first rows, in order."""
    return next(iter(file_batches(path))).column_names  # type: ignore[no-any-return]
