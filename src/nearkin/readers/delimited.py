"""CSV and TSV: a line of field names, then a row a line; quoted fields may hold line ends."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from nearkin.errors import BadInput, listed
from nearkin.readers.columns import MOST_FIELD, plain
from nearkin.readers.files import bare_suffix, lines, opened

BLOCK = 2 * MOST_FIELD  # a row must fit into one block
MOST_HEADER = 1 << 20

# A number as people write it; 007 is not one, since its zeros would be lost.
WHOLE = r"^-?(0|[1-9][0-9]{0,17})$"
NUMBER = r"^[+-]?([0-9]|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


def delimited_batches(path: Path, delimiter: str | None = None, *, quotes: bool = True) -> Iterator[pa.Table]:
    """The rows of a CSV or TSV file in tables of strings; an empty field is null.

    The delimiter is a tab for .tsv and, for .csv, the one of comma, semicolon and tab that the header has most of.
    Cost: one block of 32 MB in memory. Refused: an empty file, repeated or missing field names, rows with too many or too few fields
    (all of a block are counted, the first ones named), fields over 16 MB, bytes that are not UTF-8.
    """
    names, delimiter = read_header(path, delimiter)
    ragged: list[pacsv.InvalidRow] = []
    with opened(path) as stream:
        done = 0
        try:
            for batch in _reader(stream, names, delimiter, ragged, quotes):
                _refuse_ragged(ragged, path, names)
                yield plain(pa.Table.from_batches([batch]), str(path), done)
                done += batch.num_rows
        except pa.ArrowInvalid as error:
            raise _explained(error, path, done) from error
    _refuse_ragged(ragged, path, names)
    if not done:
        raise BadInput(f"{path}: there is no row below the header; at least one is needed")


def read_header(path: Path, delimiter: str | None = None) -> tuple[list[str], str]:
    """The field names in the first line, and the delimiter between them."""
    with opened(path) as stream:
        raw = stream.readline(MOST_HEADER)
    try:
        line = raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}, line 1: byte {error.start + 1} is not UTF-8; convert the file, for example with iconv") from error
    delimiter = delimiter or ("\t" if bare_suffix(path) == ".tsv" else max(",;\t", key=line.count))
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    if not names or not all(names):
        raise BadInput(f"{path}, line 1: every field needs a name in the first line, got {listed(names, 20) or 'an empty line'}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"{path}, line 1: field names must differ; repeated: {listed(twice)}")
    return names, delimiter


def narrowest(column: pa.ChunkedArray) -> pa.DataType:
    """What a column of strings can be read as: int64, float64, or string; null when it is empty."""
    text = column.drop_null()
    if not len(text):
        return pa.null()
    for pattern, kind in ((WHOLE, pa.int64()), (NUMBER, pa.float64())):
        if pc.all(pc.match_substring_regex(text, pattern)).as_py():
            return kind
    return pa.string()


def _reader(stream: IO[bytes], names: list[str], delimiter: str, ragged: list[pacsv.InvalidRow], quotes: bool) -> pacsv.CSVStreamingReader:
    def note(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    return pacsv.open_csv(
        pa.PythonFile(stream, mode="r"),
        # One thread, so that rows are counted.
        read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names, skip_rows=1),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, quote_char='"' if quotes else False, newlines_in_values=quotes, invalid_row_handler=note
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True
        ),
    )


def _refuse_ragged(ragged: list[pacsv.InvalidRow], path: Path, names: list[str]) -> None:
    if not ragged:
        return
    shown = "; ".join(f"row {row.number} has {row.actual_columns} ({_short(row.text)})" for row in ragged[:5])
    raise BadInput(
        f"{path}: {len(ragged)} rows do not have the {len(names)} fields of the header: {shown}; rows are counted with the header as 1; "
        f"quote fields that hold the delimiter"
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _explained(error: pa.ArrowInvalid, path: Path, done: int) -> BadInput:
    """A plain message for what the CSV parser refused."""
    if "UTF8" in str(error) or "UTF-8" in str(error):
        for _ in lines(path):  # raises at the first broken line
            pass
    if re.search("straddl", str(error)):
        return BadInput(
            f"{path}, after row {done}: a row takes more than {BLOCK >> 20} MB, at most {MOST_FIELD >> 20} MB a field are taken; "
            f"look for a quote that is never closed, or shorten the field"
        )
    return BadInput(f"{path}, after row {done}: not a table of delimited fields ({str(error).splitlines()[0]})")
