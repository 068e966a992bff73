"""How good and how fast are the static word vectors, alone and fused with BM25, next to BM25 itself?

Four collections, test queries, nDCG@10 and Recall@100 with trec_eval's meaning (linear gain, unjudged = 0). BM25: bm25s, English stop
words, Snowball stemmer, k1 1.2, b .75. Fusion: score = .7 BM25 + .3 static, both min-max scaled over the union of the best 200 of each,
every candidate with both scores. Reads the folders ir-scifact, ir-cranfield, ir-vaswani, icecat-search from NEARKIN_DATA (a path list).

    NEARKIN_DATA=... python benches/static_words.py [--out benches/results/static-words.json]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import bm25s
import ir_measures
import numpy as np
import pyarrow.parquet as pq
import Stemmer
from ir_measures import R, nDCG

from nearkin.encoders.static_words import StaticWords
from nearkin.stage import Encoder
from nearkin.tables import Catalog

SETS = ("ir-scifact", "ir-cranfield", "ir-vaswani", "icecat-search")
MEASURES = (nDCG @ 10, R @ 100)
STEMMER = Stemmer.Stemmer("english")


@dataclass(frozen=True)
class Task:
    """Documents, queries and their judgements {query: {document: grade}}."""

    name: str
    items: Catalog
    queries: Catalog
    judged: dict[str, dict[str, int]]

    @cached_property
    def lexical(self) -> np.ndarray:
        """BM25 scores of all documents for each query: float32 [q, n]."""
        index = bm25s.BM25(k1=1.2, b=0.75)
        index.index(_tokens(self.items.texts()), show_progress=False)
        return np.stack([index.get_scores(tokens) for tokens in _tokens(self.queries.texts())])

    def measured(self, scores: np.ndarray) -> dict[str, float]:
        """nDCG@10 and Recall@100 of score rows [q, n]."""
        best = np.argsort(-scores, axis=1, kind="stable")[:, :200]
        run = {q: {self.items.id_list[i]: float(scores[row, i]) for i in best[row]} for row, q in enumerate(self.queries.id_list)}
        found = ir_measures.calc_aggregate(MEASURES, self.judged, run)
        return {str(measure): round(found[measure], 4) for measure in MEASURES}


def read(name: str, split: str = "test") -> Task:
    folder = next(Path(place) / name for place in os.environ["NEARKIN_DATA"].split(os.pathsep) if (Path(place) / name).is_dir())
    if name == "icecat-search":
        return _icecat(folder)
    documents, queries = (_lines(folder / f"{part}.jsonl.gz") for part in ("corpus", "queries"))
    asked = {query["_id"]: query["text"] for query in queries}
    judged: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / f"{split}.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        judged.setdefault(query, {})[document] = int(grade)
    texts = [f"{each.get('title') or ''} {each['text']}".strip() for each in documents]
    items = Catalog.of([each["_id"] for each in documents], text=texts)
    return Task(name, items, Catalog.of(list(judged), text=[asked[query] for query in judged]), judged)


def _icecat(folder: Path) -> Task:
    rows = pq.read_table(folder / "items.parquet").to_pylist()
    texts = [" ".join(str(row[field] or "") for field in ("title", "brand", "short_description")).strip() for row in rows]
    items = Catalog.of([row["item_id"] for row in rows], text=texts)
    judged: dict[str, dict[str, int]] = {}
    for row in pq.read_table(folder / "qrels.parquet").to_pylist():
        judged.setdefault(str(row["query_id"]), {})[str(row["item_id"])] = int(row["grade"])
    judged = {query: grades for query, grades in judged.items() if max(grades.values()) > 0}
    names = {str(row["query_id"]): row["query"] for row in pq.read_table(folder / "queries.parquet").to_pylist()}
    return Task("icecat-search", items, Catalog.of(list(judged), text=[names[query] for query in judged]), judged)


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def _tokens(texts: list[str]) -> Any:
    return bm25s.tokenize(texts, stopwords="en", stemmer=STEMMER, show_progress=False, return_ids=False)


def fused(lexical: np.ndarray, dense: np.ndarray, weight: float = 0.3, depth: int = 200) -> np.ndarray:
    """Score rows [q, n]; -inf outside the union of the best `depth` of each side."""
    total = np.full(lexical.shape, -np.inf, np.float32)
    for row, (left, right) in enumerate(zip(lexical, dense)):
        union = np.union1d(np.argsort(-left, kind="stable")[:depth], np.argsort(-right, kind="stable")[:depth])
        total[row, union] = (1 - weight) * _minmax(left[union]) + weight * _minmax(right[union])
    return total


def _minmax(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.min()) / max(scores.max() - scores.min(), 1e-9)


def dense(task: Task, encoder: Encoder) -> np.ndarray:
    return encoder(task.queries).rows @ encoder(task.items).rows.T  # type: ignore[no-any-return]


def texts_per_s(encoder: StaticWords, items: Catalog, repeats: int = 7) -> dict[str, float]:
    """Of one core, by processor time, so that other work on the machine counts little; the words were seen before."""
    taken = []
    for _ in range(repeats + 1):
        start = time.process_time()
        encoder(items)
        taken.append(len(items) / (time.process_time() - start))
    return {"median": round(median(taken[1:])), "least": round(min(taken[1:])), "most": round(max(taken[1:])), "first": round(taken[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    encoder = StaticWords()
    versions = {name: version(name) for name in ("numpy", "scipy", "bm25s", "ir-measures")} | {"python": platform.python_version()}
    found: dict[str, Any] = {"machine": platform.machine(), "versions": versions, "quality": {}, "texts_per_s": {}}
    for name in SETS:
        task = read(name)
        systems = {"bm25": task.lexical, "static": dense(task, encoder), "static, adapted weights": dense(task, encoder.adapt(task.items))}
        scores = systems | {f"bm25 + {key}": fused(task.lexical, systems[key]) for key in systems if key != "bm25"}
        found["quality"][name] = {key: task.measured(value) for key, value in scores.items()}
        found["texts_per_s"][name] = texts_per_s(encoder, task.items)
        for key, value in found["quality"][name].items():
            print(name, key, *(f"{each} {number:.4f}" for each, number in value.items()), sep="\t", flush=True)
    if out:
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
