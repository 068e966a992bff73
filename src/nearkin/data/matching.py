"""Two tables that list some of the same things: queries are the left table, items the right one, truth the matches."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from nearkin.readers.beir import find
from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Data, Links

READING_ROLES = {"ocr": "text", "section": "category"}  # what the annotators wrote (title, author, ...) is the answer, never read
BOOK_ROLES = {"title": "text", "author": "text", "tag": "category", "series": "category"}


def two_tables(folder: Path) -> Data:
    """tableA, tableB and all their true matches; columns of numbers are numbers, all others text."""
    left, right = (_table(find(folder, f"table{side}.csv")) for side in "AB")
    pairs = read_table(find(folder, "matches.csv"))
    truth = Links.matches(left, right, zip(*(pairs[name].cast(pa.string()).to_pylist() for name in ("idA", "idB"))))
    return Data(name=folder.name, queries=left, items=right, truth=truth)


def _table(path: Path) -> Catalog:
    table = read_table(path)
    numbers = [name for name, kind in zip(table.column_names, table.schema.types) if not pa.types.is_string(kind)]
    roles = {name: "number" if name in numbers else "text" for name in table.column_names}
    return Catalog(table, {**roles, "id": "id"})


def library_books(folder: Path) -> Data:
    """Spines read by OCR (queries) and a library's catalogue (items); right is every copy of the same title and author.

    Spines that are no book or not in the catalogue are queries without a true row: they test rejection.
    """
    spines, books = (_numbered(read_table(folder / f"{name}.csv"), name) for name in ("spines", "catalogue"))
    copies = defaultdict(list)
    for row, key in enumerate(_keys(books)):
        copies[key].append(row)
    wanted = [copies.get(key, []) if key is not None else [] for key in _real_keys(spines)]
    left = np.repeat(np.arange(len(wanted)), [len(rows) for rows in wanted])
    right = np.array([row for rows in wanted for row in rows], np.int64)
    queries = Catalog(spines, {"id": "id", **READING_ROLES})
    items = Catalog(books, {"id": "id", **BOOK_ROLES})
    return Data(name="library-books", queries=queries, items=items, truth=Links(queries, items, left, right))


def _numbered(table: pa.Table, name: str) -> pa.Table:
    return table.add_column(0, "id", pa.array([f"{name}-{row}" for row in range(table.num_rows)]))


def _keys(table: pa.Table) -> list[tuple[str, str]]:
    title, author = ([(text or "").strip() for text in table[name].to_pylist()] for name in ("title", "author"))
    return list(zip(title, author))


def _real_keys(spines: pa.Table) -> list[tuple[str, str] | None]:
    """Title and author of each spine that is a book of the catalogue, else None."""
    refused = zip(*(spines[name].to_pylist() for name in ("not_book", "not_in_db")))
    return [None if "True" in flags else key for key, flags in zip(_keys(spines), refused)]
