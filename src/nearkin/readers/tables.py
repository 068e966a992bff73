"""A file as one Arrow table, or as many of the same schema: by its ending, the format that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.columns import conform, wider
from nearkin.readers.delimited import delimited_batches, narrowest
from nearkin.readers.files import bare_suffix
from nearkin.readers.json_lines import json_line_batches
from nearkin.readers.parquet import parquet_batches

Batches = Callable[[Path], Iterator[pa.Table]]

FORMATS: dict[str, Batches] = {
    ".parquet": parquet_batches,
    ".pq": parquet_batches,
    ".csv": delimited_batches,
    ".tsv": delimited_batches,
    ".jsonl": json_line_batches,
    ".ndjson": json_line_batches,
    ".json": json_line_batches,
}


def read_table(path: Path) -> pa.Table:
    """All rows of a file, in plain types."""
    batches = list(file_batches(path))
    types = common_types(batches, path)
    return pa.concat_tables([conform(batch, types) for batch in batches])


def file_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a file in tables; their columns may still differ in type."""
    suffix = bare_suffix(path)
    if suffix not in FORMATS:
        raise BadInput(
            f"{path}: the format is told by the ending, one of {', '.join(FORMATS)} (also with .gz or .xz); rename or convert it"
        )
    return FORMATS[suffix](path)


def common_types(batches: Iterable[pa.Table], path: Path) -> dict[str, pa.DataType]:
    """Each field's type over all batches. Delimited text is narrowed to numbers where all of it is numbers; other formats must agree."""
    as_text = FORMATS.get(bare_suffix(path)) is delimited_batches
    types: dict[str, pa.DataType] = {}
    done = 0
    for batch in batches:
        for name in batch.column_names:
            kind = narrowest(batch[name]) if as_text else batch[name].type
            known = types.get(name, pa.null())
            both = wider(known, kind) or (pa.string() if as_text else None)
            if both is None:
                raise BadInput(f"{path}, after row {done}: the field {name!r} holds {kind}, but {known} before; write one kind in all rows")
            types[name] = both
        done += batch.num_rows
    return types
