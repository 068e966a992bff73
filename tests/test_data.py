"""Data sets by name: what is found, what is refused, and the counts of the real ones where they are present."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from nearkin import data
from nearkin.errors import BadInput
from nearkin.tables import Data

COUNTS = {  # items, then links of the table named
    "ir-scifact": (5183, "truth", 339),
    "ir-cranfield": (1400, "truth", 1837),
    "ir-vaswani": (11429, "truth", 2083),
    "ir-miracl-yoruba": (49043, "truth", 1188),
    "icecat-search": (19406, "truth", 3320),
    "amazon-beauty": (12101, "interactions", 198502),
    "amazon-sports": (18357, "interactions", 296337),
    "yelp-2019": (20033, "interactions", 316354),
    "amazon-industrial-2018": (3686, "interactions", 22743),
    "ml-100k": (1682, "interactions", 100000),
    "book-crossing": (17384, "interactions", 272678),
    "er-abt-buy": (1076, "truth", 1076),
    "er-amazon-google": (3039, "truth", 1103),
    "er-dblp-acm": (2294, "truth", 2224),
    "er-imdb-tmdb": (6056, "truth", 1968),
    "er-restaurants": (2256, "truth", 89),
    "library-books": (15228, "truth", 7002),
    "dict-wordnet31": (117791, "links", 97761),
    "catalog-debian": (24796, "links", 136730),
}


def present(name: str) -> Data:
    if name not in data.available():
        pytest.skip(f"the data set {name} is not in a folder of NEARKIN_DATA")
    return data.load(name)


def write_lines(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a tiny ir-scifact: three documents, one test query, one train query, one query judged nowhere."""
    folder = tmp_path / "ir-scifact"
    write_lines(folder / "corpus.jsonl.gz", [{"_id": f"d{n}", "title": f"title {n}", "text": "words", "metadata": {}} for n in range(3)])
    write_lines(folder / "queries.jsonl.gz", [{"_id": f"q{n}", "text": f"query {n}"} for n in range(3)])
    (folder / "qrels").mkdir()
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td0\t2\nq1\td2\t0\n")
    (folder / "qrels/train.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td1\t1\n")
    monkeypatch.setenv("NEARKIN_DATA", str(tmp_path))
    return folder


def test_judged_queries_and_train_queries_are_kept_apart(place):
    loaded = data.load("ir-scifact")
    assert loaded.queries.id_list == ["q1"]
    assert loaded.truth.pairs() == [("q1", "d0"), ("q1", "d2")]
    assert loaded.truth.weight.tolist() == [2, 0]
    assert loaded.train_truth.left.id_list == ["q0"]
    assert loaded.items.texts("title", "text")[2] == "title 2 words"


def test_a_judgement_of_an_unknown_document_is_refused(place):
    (place / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td9\t1\n")
    with pytest.raises(BadInput, match="'d9'"):
        data.load("ir-scifact")


def test_what_is_here_is_listed(place):
    assert data.available() == ["ir-scifact"]
    assert "ml-100k" in data.names()


def test_an_absent_set_names_what_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("NEARKIN_DATA", raising=False)
    with pytest.raises(BadInput, match="export NEARKIN_DATA"):
        data.load("ml-100k")
    monkeypatch.setenv("NEARKIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match="no folder 'ml-100k' in"):
        data.load("ml-100k")
    with pytest.raises(BadInput, match="no data set 'ml-99k' is known"):
        data.load("ml-99k")


@pytest.mark.parametrize("name", COUNTS)
def test_real_sets_have_their_published_counts(name):
    loaded, (items, table, links) = present(name), COUNTS[name]
    assert len(loaded.items) == items
    assert len(getattr(loaded, table)) == links


def test_interactions_are_in_order_of_user_and_time():
    links = present("ml-100k").interactions
    assert (np.diff(links.left_rows) >= 0).all()
    assert (np.diff(links.time)[np.diff(links.left_rows) == 0] >= 0).all()
    assert set(links.weight.tolist()) == {1, 2, 3, 4, 5}


def test_books_without_a_rating_weigh_nothing_and_have_no_time(tmp_path, monkeypatch):
    for name, columns in {
        "items": {"item_id": [5, 7], "title": ["a", "b"], "author": ["x", "y"], "year": [1999, None], "publisher": ["p", "p"]},
        "users": {"user_id": [1, 2], "location": ["rome, italy", "paris"], "age": [30, 40]},
        "interactions": {"user_id": [2, 1, 2], "item_id": [7, 5, 5], "rating": [None, 10, 1]},
    }.items():
        (tmp_path / "book-crossing").mkdir(exist_ok=True)
        parquet.write_table(pa.table(columns), tmp_path / "book-crossing" / f"{name}.parquet")
    monkeypatch.setenv("NEARKIN_DATA", str(tmp_path))
    loaded = data.load("book-crossing")
    links = loaded.interactions
    assert links.pairs() == [("1", "5"), ("2", "7"), ("2", "5")]
    assert links.weight.tolist() == [10, 0, 1]
    assert links.time is None
    assert loaded.items.roles["author"] == links.left.roles["location"] == "text"


def test_the_real_books_have_the_ratings_that_were_given():
    links = present("book-crossing").interactions
    assert (links.weight > 0).sum() == 62656
    assert len(links.left) == 2946


def test_texts_derived_from_reviews_are_never_loaded():
    assert "preference_text" not in present("amazon-beauty").interactions.left.roles


def test_the_answers_of_library_books_are_no_text():
    loaded = present("library-books")
    assert loaded.queries.fields("text") == ["ocr"]
    assert len(np.unique(loaded.truth.left_rows)) == 6509


def test_icecat_keeps_queries_with_a_relevant_product():
    loaded = present("icecat-search")
    assert len(loaded.queries) == 116
    assert set(loaded.truth.weight.tolist()) == {0, 1, 2, 3}
