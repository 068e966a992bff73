"""How long does it take to build and to search a collection of 100,000 short texts, with the defaults, and how much memory?

Things: the first 100,000 definitions of dict-wordnet31. Queries: 500 example sentences of others. Every figure is of this process: build
in memory, open, one search at a time (k = 10), with a filter, one upsert and the search after it. And: how long does the default
recommender take to fit on amazon-beauty (training links of leave-last-out), and how good is it on the test links?
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

import nearkin.data
from nearkin.collection import Collection
from nearkin.evaluation.machine import machine
from nearkin.metrics import next_item
from nearkin.tables import Catalog

THINGS, QUERIES, REPEATS = 100_000, 500, 5


def things() -> tuple[Catalog, list[str]]:
    items = nearkin.data.load("dict-wordnet31").items
    texts = items["definition"]
    examples = [text for row in items["examples"][THINGS // 2 :] for text in (row or [])][:QUERIES]
    return Catalog.of(items.id_list[:THINGS], text=texts[:THINGS], length=[len(text) for text in texts[:THINGS]]), examples


def timed_ms(call, queries: list[str]) -> dict[str, float]:
    """Median of the repeats' p50 and p95, one query at a time."""
    runs = []
    for _ in range(REPEATS):
        took = []
        for query in queries:
            started = time.perf_counter()
            call(query)
            took.append(1e3 * (time.perf_counter() - started))
        runs.append(np.percentile(took, [50, 95]))
    p50, p95 = np.median(runs, axis=0)
    return {"p50_ms": round(float(p50), 3), "p95_ms": round(float(p95), 3), "spread_p50_ms": round(float(np.ptp([r[0] for r in runs])), 3)}


def recommender() -> dict[str, float]:
    """A collection of the goods of amazon-beauty with the training links, asked for what each user had last."""
    data = nearkin.data.load("amazon-beauty")
    split = data.interactions.split("last")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        shop = Collection.build(Path(folder) / "shop", data.items, links=split.train)
        took = time.perf_counter() - started
        people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
        targets = shop.catalog.rows_of(data.items.ids.take(targets))
        started = time.perf_counter()
        hits = shop.recommend(people, k=11).hits
        answered = time.perf_counter() - started
    return {
        "build_seconds": round(took, 1),
        "things": len(data.items),
        "answer_all_seconds": round(answered, 1),
        "recall@10": round(float(next_item.recall(hits, targets, at=10).mean()), 4),
        "ndcg@10": round(float(next_item.ndcg(hits, targets, at=10).mean()), 4),
        "users": len(targets),
    }


def main() -> None:
    items, queries = things()
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        shop = Collection.build(Path(folder) / "shop", items)
        built = {"seconds": round(time.perf_counter() - started, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        shop = Collection.open(Path(folder) / "shop")
        opened = time.perf_counter() - started
        shop.search(queries[:2])
        figures = {
            "question": __doc__.split("\n")[0],
            "things": len(items),
            "build": built,
            "peak_mib": peak // 1024,
            "peak_before_build_mib": before // 1024,
            "size_mib": sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) >> 20,
            "open_seconds": round(opened, 2),
            "search": timed_ms(lambda query: shop.search(query, k=10), queries),
            "words": timed_ms(lambda query: shop.search(query, k=10, stage="words"), queries),
            "meaning": timed_ms(lambda query: shop.search(query, k=10, stage="meaning"), queries),
            "filtered to 1 %": timed_ms(lambda query: shop.search(query, k=10, where="length < 13"), queries[:100]),
            "explained": timed_ms(lambda query: shop.search(query, k=10, explain=True), queries[:100]),
        }
        started = time.perf_counter()
        shop.add(Catalog.of(["new"], text=["a brand new zyzzyva"]))
        figures["upsert_seconds"] = round(time.perf_counter() - started, 2)
        assert shop.search("zyzzyva", k=1).ids() == [["new"]]
        figures["recommender on amazon-beauty"] = recommender()
        figures["machine"] = machine()
    out = Path(__file__).parent / "results/collection.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
