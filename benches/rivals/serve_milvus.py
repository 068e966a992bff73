"""milvus-lite: its BM25 function over an analysed text and an HNSW index, put together by its reciprocal ranks; one process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from pymilvus import AnnSearchRequest, DataType, Function, FunctionType, MilvusClient, RRFRanker

BLOCK, DEPTH = 2_000, 100
ANALYSER = {"tokenizer": "standard", "filter": ["lowercase", {"type": "stop", "stop_words": ["_english_"]}]}


def build(folder: Path, ids: list[str], texts: list[str]) -> None:
    from thin import vectors_of

    folder.mkdir(exist_ok=True)
    client = MilvusClient(str(folder / "things.db"))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=200)
    schema.add_field("text", DataType.VARCHAR, max_length=60_000, enable_analyzer=True, analyzer_params=ANALYSER)
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field("meaning", DataType.FLOAT_VECTOR, dim=vectors_of(["one"]).shape[1])
    schema.add_function(Function(name="bm25", input_field_names=["text"], output_field_names=["words"], function_type=FunctionType.BM25))
    indexes = client.prepare_index_params()
    indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    indexes.add_index("meaning", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 100})
    client.create_collection("things", schema=schema, index_params=indexes)
    for start in range(0, len(ids), BLOCK):
        part = slice(start, start + BLOCK)
        client.insert("things", rows(ids[part], texts[part], vectors_of(texts[part])))
    client.flush("things")
    client.close()


def rows(ids: list[str], texts: list[str], vectors: np.ndarray) -> list[dict[str, object]]:
    return [{"id": name, "text": text, "meaning": vector} for name, text, vector in zip(ids, texts, vectors)]


class Connected:
    def __init__(self, folder: Path) -> None:
        self.client = MilvusClient(str(folder / "things.db"))
        self.client.load_collection("things")

    def search(self, q: str, vector: np.ndarray, k: int) -> list[tuple[str, float]]:
        ways = [AnnSearchRequest([q], "words", {}, DEPTH), AnnSearchRequest([vector], "meaning", {"params": {"ef": DEPTH}}, DEPTH)]
        found = self.client.hybrid_search("things", ways, ranker=RRFRanker(60), limit=k, output_fields=["id"])[0]
        return [(hit["id"], hit["distance"]) for hit in found]

    def upsert(self, ids: list[str], texts: list[str], vectors: np.ndarray) -> None:
        self.client.upsert("things", rows(ids, texts, vectors))


connect = Connected

if __name__ == "__main__":
    from thin import main

    main(sys.modules[__name__], most_workers=1)  # its file has one owner
