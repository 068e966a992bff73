"""How far is a search of LeanIndex from what the machine could do: bytes from memory, and multiplications?

`python benches/lean_limits.py` with NEARKIN_DATA set. 113,791 MiniLM vectors of WordNet definitions, 2,000 other definitions as queries,
one thread. Measured: products of packed rows a second out of the second-level cache (the most the processor does) and at random places of
the whole table (the most memory gives), bytes a second of a sum over a large array; products, nodes and bytes a query at recall .90, .95
and .99. The floor is the larger of products over the first rate and rows' worth of bytes over the second; the distance is the time a
query takes over the floor. Median of five.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numba import njit

from benches.real_vectors import wordnet
from nearkin.evaluation.machine import machine
from nearkin.indexes.lean_answers import Asked
from nearkin.indexes.lean_index import LeanIndex
from nearkin.indexes.tuning import exact_best, share_found
from nearkin.kernels.graph_walk import walk
from nearkin.kernels.packed import LINE, aligned, dot, dots, prefetch
from nearkin.kernels.two_levels import nearest
from nearkin.tables import Vectors

NEAR = 2_048  # packed rows that stay in the second-level cache


@njit(nogil=True)
def scattered(packed, rows, query, out):  # type: ignore[no-untyped-def]
    """Products of rows in any order, each asked for twelve rows ahead."""
    base, width, asked = packed.ctypes.data, packed.shape[1], query.ctypes.data
    for place in range(len(rows)):
        if place + 12 < len(rows):
            for line in range(width // LINE):
                prefetch(base + np.uintp(rows[place + 12]) * np.uintp(width) + np.uintp(line * LINE))
        out[place] = dot(base + np.uintp(rows[place]) * np.uintp(width), asked, width // LINE)


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of a call; median of five after one to warm up."""
    work()
    times = []
    for _ in range(5):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return median(times)


def rates(packed: np.ndarray) -> dict[str, float]:
    """What the machine gives: products a second near and far, and bytes a second of a sum."""
    near, query, out = aligned((NEAR, packed.shape[1]), np.uint8), aligned((2 * packed.shape[1],), np.int8), np.empty(len(packed), np.int32)
    near[:] = packed[:NEAR]
    rows = np.random.default_rng(0).permutation(len(packed)).astype(np.int32)
    large = np.ones(2**27, np.uint8).view(np.uint64)
    return {
        "products_per_s_cached": 200 * NEAR / seconds(lambda: [dots(near, query, out[:NEAR]) for _ in range(200)]),
        "products_per_s_scattered": len(rows) / seconds(lambda: scattered(packed, rows, query, out)),
        "bytes_per_s_in_order": large.nbytes / seconds(lambda: large.sum()),
    }


def at_recall(
    index: LeanIndex, base: np.ndarray, queries: tuple[np.ndarray, np.ndarray], target: float, limits: dict[str, float]
) -> dict[str, Any]:
    """One query's work and time at this recall, and its distance from the floor."""
    tuning, testing = (Vectors(each) for each in queries)
    index.tune(Vectors(base), tuning, target)
    found = share_found(index(testing).rows, exact_best(base, testing.rows, index.k))
    window, rerank, _ = index.settings_  # type: ignore[misc]
    whole = seconds(lambda: index(testing)) / len(testing)
    graph, work = index.graph_, np.zeros(2, np.int64)
    asked = Asked(index.maps_, testing.rows)
    begin = np.empty((len(testing), 4), np.int32)
    nearest(graph.gates, np.arange(len(graph.gates)), asked.walking, asked.sums, begin)
    ids, keys = np.empty((len(testing), window), np.int32), np.empty((len(testing), window), np.float32)
    walk(graph.packed, graph.links, asked.walking, asked.sums, graph.entries[begin], 4, ids, keys, work)
    products, nodes = (each / len(testing) for each in work.tolist())
    size = products * graph.packed.shape[1] + nodes * graph.links.shape[1] * 4 + rerank * graph.second.shape[1]
    floors = {
        "multiplying_us": 1e6 * (products + len(graph.gates)) / limits["products_per_s_cached"],
        "memory_us": 1e6 * (size / graph.packed.shape[1]) / limits["products_per_s_scattered"],
    }
    return {
        "recall@10": round(found, 4), "window": window, "rerank": rerank, "products": round(products), "nodes": round(nodes),
        "multiplications": round(products * index.maps_.dim), "bytes": round(size), "us_a_query": round(whole * 1e6, 1),
        "queries_per_s": round(1 / whole), **{name: round(value, 1) for name, value in floors.items()},
        "times_the_floor": round(whole * 1e6 / max(floors.values()), 2),
    }  # fmt: skip


def main() -> None:
    real = wordnet()
    begun = time.process_time()
    index = LeanIndex().fit(Vectors(real.base))
    build_s = time.process_time() - begun
    limits = rates(index.graph_.packed)
    rows = [at_recall(index, real.base, real.halves("definition"), target, limits) for target in (0.90, 0.95, 0.99)]
    report = {
        "machine": machine(),
        "build_cpu_s": round(build_s, 1),
        "limits": {name: round(value) for name, value in limits.items()},
        "rows": rows,
    }
    Path(__file__).with_name("results").joinpath("lean-limits.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
