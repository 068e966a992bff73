"""LanceDB: its full-text index (stemmed, BM25) and its vector index, put together by reciprocal ranks as it does unless told otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, IvfPq

BLOCK, INDEXED_FROM = 50_000, 100_000  # below, vectors are compared one by one, exactly; above, by the index it makes unless told otherwise


def rows(ids: list[str], texts: list[str], vectors: np.ndarray) -> pa.Table:
    return pa.table({"id": ids, "text": texts, "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])})


def build(folder: Path, ids: list[str], texts: list[str]) -> None:
    from thin import vectors_of

    def blocks() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(ids), BLOCK):
            part = slice(start, start + BLOCK)
            yield from rows(ids[part], texts[part], vectors_of(texts[part])).to_batches()

    one = next(blocks())
    table = lancedb.connect(folder).create_table("things", blocks(), schema=one.schema)
    table.create_index("text", config=FTS(with_position=False))
    if len(ids) >= INDEXED_FROM:
        table.create_index("vector", config=IvfPq(distance_type="cosine"))


class Connected:
    def __init__(self, folder: Path) -> None:
        self.table: Any = lancedb.connect(folder, read_consistency_interval=timedelta(0)).open_table("things")

    def search(self, q: str, vector: np.ndarray, k: int) -> list[tuple[str, float]]:
        asked = self.table.search(query_type="hybrid", vector_column_name="vector").vector(vector).text(q).distance_type("cosine")
        found = asked.limit(k).select(["id"]).to_arrow()
        return list(zip(found["id"].to_pylist(), found["_relevance_score"].to_pylist()))

    def upsert(self, ids: list[str], texts: list[str], vectors: np.ndarray) -> None:
        self.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows(ids, texts, vectors))


connect = Connected

if __name__ == "__main__":
    from thin import main

    main(sys.modules[__name__])
