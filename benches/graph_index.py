"""From how many items on does a walk over a graph beat the exact scan, and which graph library walks best?

`python benches/graph_index.py` with NEARKIN_DATA set. Vectors: 50,000 WordNet glosses, counts of words weighed by rarity, projected on
128 latent directions, length 1; 1,000 other glosses as queries. Methods: GraphIndex (faiss HNSW, exact scores) at several windows, its
filtered search, FlatIndex on growing parts, the bare usearch HNSW with the same settings. Processor time of one thread, all queries in one
call; median and range of five repeats.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import usearch.index

from nearkin import data
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.graph_index import GraphIndex
from nearkin.tables import Vectors, unit

N, Q, DIM, K = 50_000, 1000, 128, 10
Found = tuple[dict[str, Any], np.ndarray]


def vectors() -> tuple[Vectors, Vectors]:
    """Latent directions by a randomised singular value decomposition."""
    from scipy.sparse import diags_array

    random, glosses = np.random.default_rng(0), data.load("dict-wordnet31").items
    chosen = glosses.take(random.permutation(len(glosses))[: N + Q])
    counts = BagOfWords(fields=("definition",)).fit(chosen)(chosen).to_scipy()
    words = counts @ diags_array(np.log(len(chosen) / np.bincount(counts.indices, minlength=counts.shape[1])))
    basis = words @ random.normal(size=(words.shape[1], DIM + 16))
    for _ in range(2):
        basis = words @ (words.T @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    left, sizes, _ = np.linalg.svd((words.T @ basis).T, full_matrices=False)
    rows = unit((basis @ left[:, :DIM]) * np.sqrt(sizes[:DIM]))
    return Vectors(rows[Q:]), Vectors(rows[:Q])


def timed(search: Callable[[], np.ndarray]) -> Found:
    """Queries a second over five repeats, and what was found."""
    found, rates = search(), []
    for _ in range(5):
        begun = time.process_time()
        search()
        rates.append(Q / (time.process_time() - begun))
    return {"queries_per_s": round(median(rates)), "range": [round(min(rates)), round(max(rates))]}, found


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    return round(float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), exact.tolist())])), 4)


def by_graph(items: Vectors, queries: Vectors, exact: np.ndarray) -> Iterator[dict[str, Any]]:
    begun = time.process_time()
    index = GraphIndex(k=K, scan_below=0).fit(items)
    build_s = round(time.process_time() - begun, 1)
    for window in (40, 100, 200):
        index.window = window
        speed, found = timed(lambda: index(queries).rows)
        yield {"method": "GraphIndex", "items": N, "window": window, "recall@10": recall(found, exact), **speed, "build_s": build_s}
    index.window = 100
    for share in (0.5, 0.2, 0.12, 0.05, 0.01):
        keep = np.random.default_rng(1).random(N) < share
        answer = FlatIndex(k=K).fit(items)(queries, keep=keep).rows
        speed, found = timed(lambda keep=keep: index(queries, keep=keep).rows)
        yield {"method": "GraphIndex, filtered", "items": N, "kept": share, "recall@10": recall(found, answer), **speed}


def by_scan(items: Vectors, queries: Vectors) -> Iterator[dict[str, Any]]:
    for count in (5_000, 10_000, 20_000, N):
        index = FlatIndex(k=K).fit(items.take(np.arange(count)))
        yield {"method": "FlatIndex", "items": count, "recall@10": 1.0, **timed(lambda index=index: index(queries).rows)[0]}


def by_usearch(items: Vectors, queries: Vectors, exact: np.ndarray) -> Iterator[dict[str, Any]]:
    index = usearch.index.Index(ndim=DIM, metric="ip", dtype="f32", connectivity=16, expansion_add=100)
    begun = time.process_time()
    index.add(np.arange(N), items.rows, threads=1)
    build_s = round(time.process_time() - begun, 1)
    for window in (40, 100, 200):
        index.expansion_search = window
        speed, found = timed(lambda: index.search(queries.rows, K, threads=1).keys.astype(np.int64))
        yield {"method": "usearch", "items": N, "window": window, "recall@10": recall(found, exact), **speed, "build_s": build_s}


def main() -> None:
    items, queries = vectors()
    exact = FlatIndex(k=K).fit(items)(queries).rows
    rows = []
    for source in (by_graph(items, queries, exact), by_scan(items, queries), by_usearch(items, queries, exact)):
        for row in source:
            rows.append(row)
            print(*row.values(), sep="\t", flush=True)
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(), "threads": 1}
    versions = {name: version(name) for name in ("nearkin", "numpy", "faiss-cpu", "usearch")}
    kept = {"question": __doc__.splitlines()[0], "dim": DIM, "queries": Q, "rows": rows, "versions": versions, "machine": machine}
    (Path(__file__).parent / "results" / "graph-index.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
