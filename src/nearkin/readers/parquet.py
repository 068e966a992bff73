"""Parquet files, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.errors import BadInput
from nearkin.readers.columns import plain
from nearkin.readers.files import check_file

BATCH = 16_384  # rows a batch


def parquet_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a Parquet file in tables of plain types. Cost: one batch in memory. Refused: no Parquet, cut short, broken text."""
    check_file(path)
    done = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                table = pa.Table.from_batches([batch])
                table.validate(full=True)
                yield plain(table, str(path), done)
                done += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        what = str(error).splitlines()[0]
        raise BadInput(f"{path}, after row {done}: not a whole Parquet file ({what}); write or copy it again") from error
    if not done:
        raise BadInput(f"{path}: the file has no rows; at least one is needed")
