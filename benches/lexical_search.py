"""Is the inverted index at least twice as fast as the fastest open engines at the same exact BM25, and how do build and size compare?

`python benches/lexical_search.py [--only scifact]` with NEARKIN_DATA set. Engines: nearkin's InvertedIndex (one index, whatever is
asked), bm25s (numba, one thread), tantivy (one thread, counting off, through its Python binding, which at k = 1000 pays for
a thousand objects a query). All get the same terms (see lexical_corpora.py), a repeated query word once; k1 1.2, b 0.75; the whole query
set in one call where the engine has such a call. The processor time of one thread is kept (wall time on a shared machine says
nothing), engines taking turns; median and range of five repeats.

times_best_rival: our median over the better of the two others'. same_as_bm25s: share of queries whose ranking is that of bm25s, set
aside items whose scores lie within 1e-5 of the best one's (bm25s has no rule for ties and adds up in another order). agreement: share
of tantivy's first ten ids among ours, ties not set aside; its lengths are rounded to one byte. build_s: from ids of terms (bm25s:
lists; tantivy: strings). MiB: arrays of the index (nearkin: as stored; MiB_hot: with gains laid out for many queries), files of tantivy.
single_us: one query a call, all of it; overhead_us: what that is above its share of the batch. add_ms, remove_ms: ten items, with the
first query after.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import bm25s
import numpy as np
import tantivy
from lexical_corpora import NAMES, Corpus, corpus

from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.tables import SparseVectors

REPEATS = 5
GOAL = Path(__file__).parent / "results" / "lexical-search.json"
TIE = 1e-5

Row = dict[str, Any]


class Nearkin:
    def __init__(self, items: SparseVectors, queries: SparseVectors) -> None:
        self.queries = queries
        self.build_s, self.index = seconds(lambda: InvertedIndex().fit(items))
        self.size = sum(array.nbytes for part in self.index.lists_.ranges for array in part)

    def search(self, k: int) -> Any:
        self.index.k = k
        return self.index(self.queries)

    def ids(self, k: int) -> list[list[int]]:
        return [line[line >= 0].tolist() for line in self.search(k).rows]


class Bm25s:
    def __init__(self, items: SparseVectors, queries: SparseVectors) -> None:
        lists, self.asked = list(term_lists(items)), list(term_lists(queries))
        self.index = bm25s.BM25(k1=1.2, b=0.75, method="lucene", backend="numba")
        vocabulary = {str(term): term for term in range(items.dim)}
        self.build_s, _ = seconds(lambda: self.index.index((lists, vocabulary), show_progress=False))
        self.size = sum(array.nbytes for array in self.index.scores.values() if isinstance(array, np.ndarray))

    def search(self, k: int) -> Any:
        return self.index.retrieve(self.asked, k=k, show_progress=False, n_threads=1)

    def ids(self, k: int) -> list[list[int]]:
        found, scores = self.search(k)
        return [line[points > 0].tolist() for line, points in zip(found, scores)]


class Tantivy:
    def __init__(self, items: SparseVectors, queries: SparseVectors) -> None:
        self.folder = tempfile.TemporaryDirectory()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("body", tokenizer_name="whitespace")
        schema = builder.build()
        index = tantivy.Index(schema, self.folder.name)
        writer = index.writer(heap_size=1_000_000_000, num_threads=1)
        self.build_s = 0.0
        for terms in term_lists(items):
            text = " ".join(f"t{term}" for term in terms)
            begun = time.process_time()
            writer.add_document(tantivy.Document(body=text))
            self.build_s += time.process_time() - begun
        self.build_s += seconds(lambda: (writer.commit(), writer.wait_merging_threads()))[0]
        index.reload()
        self.size = sum(path.stat().st_size for path in Path(self.folder.name).iterdir())
        self.searcher = index.searcher()
        self.asked = [_any_of(schema, terms) for terms in term_lists(queries)]

    def search(self, k: int) -> Any:
        return [self.searcher.search(query, k, count=False).hits for query in self.asked]

    def ids(self, k: int) -> list[list[int]]:
        return [[hit[1].doc for hit in hits] for hits in self.search(k)]


def _any_of(schema: Any, terms: list[int]) -> Any:
    parts = [tantivy.Query.term_query(schema, "body", f"t{term}", index_option="freq") for term in terms]
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])


ENGINES: dict[str, Any] = {"nearkin": Nearkin, "bm25s": Bm25s, "tantivy": Tantivy}


def term_lists(rows: SparseVectors) -> Iterator[list[int]]:
    """The term ids of each row, repeated as often as they stand there; all lists share one integer a term."""
    terms, times = list(range(rows.dim)), rows.values.astype(np.int64)
    for start, end in zip(rows.offsets, rows.offsets[1:]):
        yield [terms[column] for column in np.repeat(rows.columns[start:end], times[start:end])]


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    given = action()
    return time.process_time() - begun, given


def same_rankings(ours: Any, theirs: Any) -> float:
    """The share of queries in which scores agree place by place and no item is missing that scores above the last place."""
    (found, points), same = theirs, 0
    for rows, scores, ids, other in zip(ours.rows, ours.scores, found, points):
        live = (rows >= 0) & (other > 0)
        slack = TIE * max(float(scores[0]), 1e-9)
        alike = np.abs(scores[live] - other[live]).max(initial=0) <= slack and (rows >= 0).sum() == (other > 0).sum()
        sure = scores[live].min(initial=np.inf) + slack
        same += bool(alike and set(rows[scores > sure]) <= set(ids) and set(ids[other > sure]) <= set(rows))
    return same / len(found)


def shared_ids(ours: list[list[int]], theirs: list[list[int]]) -> float:
    return float(np.mean([len(set(left) & set(right)) / max(len(left), 1) for left, right in zip(ours, theirs)]))


def one_by_one(engine: Nearkin, batch_us: float) -> Row:
    """Time of a call with one query, and how much of it is not the search itself."""
    single = [engine.queries.take([row]) for row in range(len(engine.queries))]
    engine.index.k = 10
    spent = [seconds(lambda: [engine.index(query) for query in single])[0] / len(single) * 1e6 for _ in range(REPEATS)]
    return {"single_us": round(median(spent), 1), "overhead_us": round(median(spent) - batch_us, 1)}


def updates(engine: Nearkin, items: SparseVectors) -> Row:
    """Milliseconds for ten items added, and ten removed, each with the first query after it; the second time, all being compiled."""
    some, query = items.take(np.arange(10)), engine.queries.take([0])
    for _ in range(2):
        add_s, _ = seconds(lambda: engine.index.add(some)(query))
        remove_s, _ = seconds(lambda: engine.index.remove(np.arange(10))(query))
    return {"add_ms": round(add_s * 1e3, 1), "remove_ms": round(remove_s * 1e3, 1)}


def measure(name: str, made: Corpus) -> list[Row]:
    """The rows of the table for one corpus."""
    items, queries = made.items, made.asking()
    if name.startswith("million"):
        queries = queries.take(np.arange(0, len(queries), 3))
    few = Nearkin(items.take([0, 1]), queries.take([0]))
    for k in (1, 20):
        few.search(k)  # compile
    size = {"set": name, "items": len(items), "queries": len(queries), "postings": len(items.columns)}
    size["postings_a_query"] = round(float(np.bincount(items.columns, minlength=items.dim)[queries.columns].sum()) / len(queries))
    built = {engine: make(items, queries) for engine, make in ENGINES.items()}
    return [row for k in (10, 1000) for row in _at(k, built, items, size)]


def _at(k: int, built: dict[str, Any], items: SparseVectors, size: Row) -> list[Row]:
    ids = {name: engine.ids(k) for name, engine in built.items()}  # warm, too
    rates: dict[str, list[float]] = {name: [] for name in built}
    for _ in range(REPEATS):
        for name, engine in built.items():
            rates[name].append(size["queries"] / seconds(lambda engine=engine: engine.search(k))[0])
    middle = {name: median(each) for name, each in rates.items()}
    rows = []
    for name, engine in built.items():
        row = {**size, "k": k, "engine": name, "queries_per_s": round(middle[name])}
        row |= {"range": [round(min(rates[name])), round(max(rates[name]))], "build_s": round(engine.build_s, 3)}
        rows.append(row | {"MiB": round(engine.size / 2**20, 1)})
    ours = built["nearkin"]
    rows[0]["times_best_rival"] = round(middle["nearkin"] / max(middle["bm25s"], middle["tantivy"]), 2)
    rows[0]["same_as_bm25s"] = round(same_rankings(ours.search(k), built["bm25s"].search(k)), 4)
    rows[2]["agreement"] = round(shared_ids(*([line[:10] for line in ids[name]] for name in ("tantivy", "nearkin"))), 4)
    if k == 10:
        rows[0]["MiB_hot"] = round((ours.size + 4 * ours.index.lists_.size) / 2**20, 1)
        rows[0] |= one_by_one(ours, 1e6 / middle["nearkin"]) | updates(ours, items)
    for row in rows:
        print(*row.values(), sep="\t", flush=True)
    return rows


def forms(name: str) -> Iterator[tuple[str, Corpus]]:
    """A corpus without its stop words and, where it has some, with them."""
    whole = corpus(name)
    yield name, whole.without_stop_words()
    if whole.stops.any():
        yield f"{name} +stop", whole


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=sorted(NAMES), help="measure this set and keep the rows of the others")
    only = parser.parse_args().only
    rows = [row for name in ([only] if only else NAMES) for form in forms(name) for row in measure(*form)]
    if only and GOAL.exists():
        rows = [row for row in json.loads(GOAL.read_text())["rows"] if row["set"].split()[0] != only] + rows
    versions = {name: version(name) for name in ("nearkin", "numpy", "numba", "bm25s", "tantivy")}
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(), "threads": 1}
    kept = {"question": __doc__.splitlines()[0], "rows": rows, "versions": versions, "machine": machine}
    GOAL.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
