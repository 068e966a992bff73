"""Search with graded judgements that do not come in the BEIR layout."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from nearkin.readers.beir import judged
from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Data, Links


def icecat(folder: Path) -> Data:
    """Products of electronics and 116 queries with at least one relevant product; grades 0 to 3, judged zeros kept."""
    items = Catalog(
        read_table(folder / "items.parquet"),
        {"item_id": "id", "title": "text", "brand": "text", "short_description": "text", "price_cents": "number", "date_released": "time"},
    )
    asked = Catalog(read_table(folder / "queries.parquet"), {"query_id": "id", "query": "text"})
    table = read_table(folder / "qrels.parquet")
    query, item = (table[name].cast(pa.string()).to_pylist() for name in ("query_id", "item_id"))
    grades = list(zip(query, item, table["grade"].to_pylist()))
    relevant = {name for name, _, grade in grades if grade > 0}
    queries = judged(asked, relevant)
    truth = Links.qrels(queries, items, [each for each in grades if each[0] in relevant])
    return Data(name="icecat-search", items=items, queries=queries, truth=truth)
