"""Is the inverted index faster than the fastest open engines at the same exact BM25, and to build?

`python benches/lexical_search.py` with NEARKIN_DATA set. Engines: nearkin's InvertedIndex, bm25s (numba, one thread), tantivy (one
thread, one segment, through its Python binding). All get the same terms: lower case, words of two letters, English stop words out, Snowball
stems, a repeated query word once; k1 1.2, b 0.75; the whole query set in one call where the engine has such a call. The processor time of
one thread is kept (wall time on a shared machine says nothing), engines taking turns; median and range of five repeats. agreement: share of
the engine's ids among nearkin's first ten, ties not set aside.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import bm25s
import numpy as np
import tantivy

from nearkin import data
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.tables import Catalog, SparseVectors

REPEATS = 5
QUERIES = 1000

Search = Callable[[int], list[list[int]]]


def worlds() -> dict[str, tuple[Catalog, Catalog]]:
    """Items and queries of each set."""
    facts, words = data.load("ir-scifact"), data.load("dict-wordnet31").items
    sentences = [examples[0] for examples in words["examples"] if examples][:QUERIES]
    glosses = Catalog.of(text=words["definition"])
    return {"scifact": (facts.items, facts.queries), "wordnet": (glosses, Catalog.of(text=sentences))}


def term_lists(vectors: SparseVectors, once: bool) -> list[list[int]]:
    """The term ids of each row, repeated as often as they stand there, or once."""
    counts = np.ones(len(vectors.columns), int) if once else vectors.values.astype(int)
    owner = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
    ends = np.cumsum(np.bincount(owner, counts, len(vectors)).astype(int))[:-1]
    return [part.tolist() for part in np.split(np.repeat(vectors.columns, counts), ends)]


def by_nearkin(items: SparseVectors, queries: SparseVectors) -> Search:
    index = InvertedIndex().fit(items)

    def search(k: int) -> list[list[int]]:
        index.k = k
        return index(queries).rows

    return search


def by_bm25s(items: SparseVectors, queries: SparseVectors) -> Search:
    lists, asked = term_lists(items, once=False), term_lists(queries, once=True)
    begun = time.process_time()
    index = bm25s.BM25(k1=1.2, b=0.75, method="lucene", backend="numba")
    index.index((lists, {str(term): term for term in range(items.dim)}), show_progress=False)
    search = lambda k: index.retrieve(asked, k=k, show_progress=False, n_threads=1)[0]  # noqa: E731
    search.build_s = time.process_time() - begun  # making lists of ids is not its work
    return search


def by_tantivy(items: SparseVectors, queries: SparseVectors) -> Search:
    texts = [" ".join(f"t{term}" for term in terms) for terms in term_lists(items, once=False)]
    begun = time.process_time()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", tokenizer_name="whitespace")
    builder.add_integer_field("row", stored=False, fast=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for row, text in enumerate(texts):
        writer.add_document(tantivy.Document(body=text, row=row))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    built, searcher = time.process_time() - begun, index.searcher()
    asked = [
        tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "body", f"t{term}", index_option="freq")) for term in terms]
        )
        for terms in term_lists(queries, once=True)
    ]

    def search(k: int) -> list[list[int]]:
        return [[hit[1].doc for hit in searcher.search(query, k, count=False).hits] for query in asked]

    search.build_s = built
    return search


ENGINES = {"nearkin": by_nearkin, "bm25s": by_bm25s, "tantivy": by_tantivy}


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    given = action()
    return time.process_time() - begun, given


def agreement(ours: np.ndarray, theirs: Any) -> float:
    """The share of our first ten hits, or of all when they are fewer, that the other has among its first ten."""
    shared = [len(set(left[left >= 0]) & set(right[:10])) / max((left >= 0).sum(), 1) for left, right in zip(ours[:, :10], theirs)]
    return float(np.mean(shared))


def measure(name: str, things: Catalog, asked: Catalog) -> list[dict[str, Any]]:
    """The rows of the table for one set."""
    encoder = BagOfWords(fields=("title", "text"))
    encode_s, items = seconds(lambda: encoder.fit(things)(things))
    counted = encoder(asked)
    some = np.flatnonzero(np.diff(counted.offsets) > 0)  # bm25s takes no empty query
    queries = counted.take(some)
    queries.values = np.ones_like(queries.values)
    by_nearkin(items.take([0, 1]), queries.take([0]))(1)  # compile
    built = {engine: seconds(lambda make=make: make(items, queries)) for engine, make in ENGINES.items()}
    size = {"set": name, "items": len(items), "queries": len(queries), "postings": len(items.columns), "encode_s": round(encode_s, 2)}
    rows = []
    for k in (10, 1000):
        for _, search in built.values():
            search(k)  # warm
        times: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        found = {}
        for _ in range(REPEATS):
            for engine, (_, search) in built.items():
                spent, found[engine] = seconds(lambda search=search, k=k: search(k))
                times[engine].append(spent)
        for engine, spent in times.items():
            agreed = agreement(found["nearkin"], found[engine])
            rate = [len(queries) / each for each in spent]
            rows.append(
                {
                    **size,
                    "k": k,
                    "engine": engine,
                    "queries_per_s": round(median(rate)),
                    "range": [round(min(rate)), round(max(rate))],
                    "build_s": round(getattr(built[engine][1], "build_s", built[engine][0]), 3),
                    "agreement": round(agreed, 4),
                }
            )
            print(*rows[-1].values(), sep="\t", flush=True)
    return rows


def main() -> None:
    rows = [row for name, tables in worlds().items() for row in measure(name, *tables)]
    versions = {name: version(name) for name in ("nearkin", "numpy", "numba", "bm25s", "tantivy")}
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(), "threads": 1}
    goal = Path(__file__).parent / "results" / "lexical-search.json"
    goal.write_text(
        json.dumps({"question": __doc__.splitlines()[0], "rows": rows, "versions": versions, "machine": machine}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
