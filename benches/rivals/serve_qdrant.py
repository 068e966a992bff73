"""The local mode of qdrant-client: sparse counts weighted by rarity and dense vectors, put together by reciprocal ranks; one process."""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from qdrant_client import QdrantClient, models

from nearkin.encoders.analyser import Analyser

BLOCK, DEPTH = 1_000, 100
ANALYSER = Analyser("english")
K1, B, USUAL = 1.2, 0.75, 60.0  # BM25; the length of a usual text


@lru_cache(maxsize=200_000)
def term(word: str) -> str | None:
    return ANALYSER.term(word)


def counts(text: str, *, asked: bool = False) -> models.SparseVector:
    """The part of BM25 that a text has of itself; the rarity of words is the store's. Words are known by a hash, as its own BM25 does."""
    terms = [found for found in map(term, ANALYSER.words(text)) if found is not None]
    long = 1 - B + B * len(terms) / USUAL
    held = {zlib.crc32(word.encode()): n for word, n in Counter(terms).items()}
    values = [1.0 if asked else n * (K1 + 1) / (n + K1 * long) for n in held.values()]
    return models.SparseVector(indices=list(held), values=values)


def point(name: str, text: str, vector: np.ndarray) -> models.PointStruct:
    number = zlib.crc32(name.encode()) << 32 | zlib.adler32(name.encode())
    return models.PointStruct(id=number, vector={"meaning": vector.tolist(), "words": counts(text)}, payload={"id": name})


def build(folder: Path, ids: list[str], texts: list[str]) -> None:
    from thin import vectors_of

    client = QdrantClient(path=str(folder))
    size = vectors_of(["one"]).shape[1]
    client.create_collection(
        "things",
        vectors_config={"meaning": models.VectorParams(size=size, distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    for start in range(0, len(ids), BLOCK):
        part = slice(start, start + BLOCK)
        client.upsert("things", [point(*row) for row in zip(ids[part], texts[part], vectors_of(texts[part]))])
    client.close()


class Connected:
    def __init__(self, folder: Path) -> None:
        self.client, self.lock = QdrantClient(path=str(folder), force_disable_check_same_thread=True), Lock()

    def search(self, q: str, vector: np.ndarray, k: int) -> list[tuple[str, float]]:
        ways = [
            models.Prefetch(query=vector.tolist(), using="meaning", limit=DEPTH),
            models.Prefetch(query=counts(q, asked=True), using="words", limit=DEPTH),
        ]
        with self.lock:  # the local mode is not safe in threads
            found = self.client.query_points("things", prefetch=ways, query=models.FusionQuery(fusion=models.Fusion.RRF), limit=k).points
        return [(str((hit.payload or {})["id"]), hit.score) for hit in found]

    def upsert(self, ids: list[str], texts: list[str], vectors: np.ndarray) -> None:
        with self.lock:
            self.client.upsert("things", [point(*row) for row in zip(ids, texts, vectors)])


connect = Connected

if __name__ == "__main__":
    from thin import main

    main(sys.modules[__name__], most_workers=1)  # its folder has one owner
