"""The BEIR layout: a folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv, each also as .gz; the id field is `_id`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from nearkin.errors import BadInput, listed
from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Data, Links

TESTS = ("test", "dev")


def read_beir(folder: Path, *, name: str | None = None, split: str | None = None) -> Data:
    """A folder as a data set: `truth` holds the judgements of `split` (test, else dev), `queries` those judged there.

    `train_truth` holds qrels/train.tsv where there is one, over a left catalogue of the train queries. Documents without text are
    kept. Refused: missing files, judgements of unknown queries or documents.
    """
    corpus = read_corpus(find(folder, "corpus.jsonl"))
    queries = read_corpus(find(folder, "queries.jsonl"))
    split = split or next((each for each in TESTS if exists(folder, f"qrels/{each}.tsv")), "test")
    truth = read_qrels(find(folder, f"qrels/{split}.tsv"), queries, corpus)
    train = read_qrels(find(folder, "qrels/train.tsv"), queries, corpus) if exists(folder, "qrels/train.tsv") else None
    return Data(name=name or folder.name, items=corpus, queries=truth.left, truth=truth, train_truth=train)


def read_corpus(path: Path) -> Catalog:
    """Documents or queries: `_id`, and the texts `title` and `text`; what else there is (metadata) is left out."""
    table = read_table(path)
    if "_id" not in table.column_names:
        raise BadInput(f"{path}: a BEIR file has the id field '_id', this one has {listed(table.column_names)}")
    texts = [field for field in ("title", "text") if field in table.column_names]
    return Catalog(table.select(["_id", *texts]), {"_id": "id"} | dict.fromkeys(texts, "text"))


def read_qrels(path: Path, queries: Catalog, items: Catalog) -> Links:
    """Judgements (query-id, corpus-id, score) over the queries that have any, in the order of the query file."""
    table = read_table(path)
    wanted = ["query-id", "corpus-id", "score"]
    if not set(wanted) <= set(table.column_names):
        raise BadInput(f"{path}: the columns {', '.join(wanted)} are expected, it has {listed(table.column_names)}")
    asked, document = (table[field].cast(pa.string()).to_pylist() for field in wanted[:2])
    return Links.qrels(judged(queries, set(asked)), items, zip(asked, document, table["score"].to_pylist()))


def judged(queries: Catalog, ids: Collection[str]) -> Catalog:
    """The queries with these ids, in their own order."""
    return queries.take([row for row, name in enumerate(queries.id_list) if name in ids])


def exists(folder: Path, name: str) -> bool:
    return any((folder / f"{name}{packing}").exists() for packing in ("", ".gz"))


def find(folder: Path, name: str) -> Path:
    """The file of this name in the folder, plain or .gz."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise BadInput(f"{folder}: neither {name} nor {name}.gz is in this folder; a BEIR folder has corpus.jsonl, queries.jsonl and qrels/")
