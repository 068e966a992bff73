"""How long does exact search of 100,000 x 256 vectors take on one core, and does a scan of 8-bit copies beat a product of floats?

`python benches/flat_index.py`. Vectors: 500 directions, each item one of them plus noise, length 1; queries near items. Rivals: the float32
product with a partial sort (NumPy), faiss flat (exact), faiss with 16 and 8 bits a number (not exact). Processor time of one thread,
methods taking turns; single queries: median and 95th percentile of 200; batches of 64: median of five, a query. recall@10 against float64.
"""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy as np

from nearkin.indexes.flat_index import FlatIndex
from nearkin.tables import Vectors, unit

N, DIM, K, SINGLE, BATCH = 100_000, 256, 10, 200, 64


def vectors() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    directions = unit(random.normal(size=(500, DIM)))
    items = unit(directions[random.integers(0, 500, N)] + 0.05 * random.normal(size=(N, DIM)))
    return items, unit(items[random.integers(0, N, SINGLE)] + 0.03 * random.normal(size=(SINGLE, DIM)))


def by_product(items: np.ndarray) -> Any:
    def search(queries: np.ndarray) -> np.ndarray:
        scores = queries @ items.T
        some = np.argpartition(-scores, K, axis=1)[:, :K]
        return np.take_along_axis(some, np.argsort(-np.take_along_axis(scores, some, 1), axis=1), 1)

    return search


def by_nearkin(items: np.ndarray) -> Any:
    index = FlatIndex(k=K).fit(Vectors(items))
    return lambda queries: index(Vectors(queries)).rows


def by_faiss(kind: Any) -> Any:
    def make(items: np.ndarray) -> Any:
        index = faiss.IndexFlatIP(DIM) if kind is None else faiss.IndexScalarQuantizer(DIM, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(items)
        index.add(items)
        return lambda queries: index.search(queries, K)[1]

    return make


METHODS = {
    "nearkin FlatIndex": by_nearkin,
    "float32 product": by_product,
    "faiss flat": by_faiss(None),
    "faiss 16 bits": by_faiss(faiss.ScalarQuantizer.QT_fp16),
    "faiss 8 bits": by_faiss(faiss.ScalarQuantizer.QT_8bit),
}


def milliseconds(search: Any, queries: np.ndarray) -> float:
    begun = time.process_time()
    search(queries)
    return (time.process_time() - begun) * 1e3


def main() -> None:
    faiss.omp_set_num_threads(1)
    items, queries = vectors()
    exact = np.argsort(-(queries.astype(np.float64) @ items.T.astype(np.float64)), axis=1)[:, :K]
    built, single, batch = {}, {name: [] for name in METHODS}, {name: [] for name in METHODS}
    by_nearkin(items[:10])(queries[:1])  # compile
    for name, make in METHODS.items():
        begun = time.process_time()
        search = make(items)
        built[name] = (search, time.process_time() - begun)
        search(queries[:1])
    for row in range(SINGLE):
        for name, (search, _) in built.items():
            single[name].append(milliseconds(search, queries[row : row + 1]))
    for _ in range(5):
        for name, (search, _) in built.items():
            batch[name].append(milliseconds(search, queries[:BATCH]) / BATCH)
    rows = []
    for name, (search, build_s) in built.items():
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(search(queries).tolist(), exact.tolist())])
        row = {"method": name, "recall@10": round(float(recall), 4), "single_p50_ms": round(float(np.median(single[name])), 2)}
        row |= {"single_p95_ms": round(float(np.percentile(single[name], 95)), 2), "batch_ms": round(float(np.median(batch[name])), 2)}
        rows.append(row | {"build_s": round(build_s, 2)})
        print(*rows[-1].values(), sep="\t")
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(), "threads": 1}
    kept = {"question": __doc__.splitlines()[0], "vectors": [N, DIM], "rows": rows}
    kept |= {"versions": {name: version(name) for name in ("nearkin", "numpy", "numba", "faiss-cpu")}, "machine": machine}
    (Path(__file__).parent / "results" / "flat-index.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
