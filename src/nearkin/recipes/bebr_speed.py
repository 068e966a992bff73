"""Bytes and time of search by bits: flat, by lists, by a graph, and of floats."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nearkin.indexes.bit_index import BitIndex
from nearkin.recipes.bebr_vectors import Stored
from nearkin.tables import Codes, Vectors, best

QUERIES, ALONE, WIDER = 500, 50, 10  # queries in a batch, queries timed one by one, hits of the graph for each that is kept


def speeds(indexes: Mapping[str, Any], known: Stored, settings: Any) -> dict[str, list[float]]:
    """For each way of searching: bytes an item, milliseconds of processor a query alone and in a batch, and the share of the k best that
    an exact search of the same codes finds. Queries of bits come coded; coding one is timed in a line of its own."""
    flat: BitIndex = indexes["ours"]
    asked = known.queries.take(np.flatnonzero(known.test)[:QUERIES])
    codes, held = flat.codec(asked), flat.codec(known.items)
    bare = {lists: BitIndex(k=settings.k, planes=flat.codec.planes, lists=lists, probe=probe, seed=settings.seed).fit(held)
            for lists, probe in ((1, 1), (settings.lists, settings.probe))}  # fmt: skip
    exact, floats = bare[1](codes).rows, indexes["floats"](asked).rows
    size = flat.bits_[0].nbytes + 4
    ways: dict[str, tuple[Callable[[Any], np.ndarray], Any, np.ndarray, float]] = {
        "bits, flat": (lambda table: bare[1](table).rows, codes, exact, size),
        "bits, lists": (lambda table: bare[settings.lists](table).rows, codes, exact, size + 4),
        "bits, binary HNSW of faiss, best scored again": (graph(bare[1], held, settings.k), codes, exact, size + 4 * 64),
        "floats, flat": (lambda table: indexes["floats"](table).rows, asked, floats, 4 * known.items.dim),
        "floats, flat of faiss": (faiss_flat(known.items, settings.k), asked, floats, 4 * known.items.dim),
    }
    found = {name: [size, *timed(search, table), shared(search(table), right)] for name, (search, table, right, size) in ways.items()}
    return found | {"coding a query": [0, *timed(lambda table: flat.codec(table).symbols, asked), 1.0]}


def timed(search: Callable[[Any], Any], table: Vectors | Codes) -> list[float]:
    """Milliseconds of processor a query: one by one, and all together."""
    search(table.take([0]))
    alone, batch = [], []
    for row in range(min(ALONE, len(table))):
        started = time.process_time()
        search(table.take([row]))
        alone.append(time.process_time() - started)
    for _ in range(3):
        started = time.process_time()
        search(table)
        batch.append((time.process_time() - started) / len(table))
    return [1000 * float(np.median(each)) for each in (alone, batch)]


def graph(exact: BitIndex, held: Codes, k: int) -> Callable[[Codes], np.ndarray]:
    """faiss walks by the Hamming distance of all planes; of the nearest 10 k the k best by their true score are kept."""
    import faiss

    walk = faiss.IndexBinaryHNSW(8 * -(-held.levels // 8), 32)
    walk.hnsw.efSearch = WIDER * k
    walk.add(held.packed())

    def search(table: Codes) -> np.ndarray:
        rows = walk.search(table.packed(), min(WIDER * k, len(held)))[1]
        return best(exact.score(table, rows), k, rows=rows, queries=None, items=None).rows

    return search


def faiss_flat(items: Vectors, k: int) -> Callable[[Vectors], np.ndarray]:
    import faiss

    index = faiss.IndexFlatIP(items.dim)
    index.add(np.ascontiguousarray(items.rows, np.float32))
    return lambda table: index.search(np.ascontiguousarray(table.rows, np.float32), k)[1]


def shared(rows: np.ndarray, right: np.ndarray) -> float:
    """The share of the right rows that were found."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(rows.tolist(), right.tolist())]))
