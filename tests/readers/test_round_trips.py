"""What was written is what is read, in every format and from memory."""

import gzip
import json

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearkin.readers import from_arrow, from_pandas, from_polars, read, read_batches

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.none() | WORDS.filter(lambda text: text != ""),
            "price": st.none() | st.integers(-(2**53), 2**53),
            "weight": st.none() | st.floats(-1e6, 1e6, width=32),
        }
    ),
    min_size=1,
    max_size=20,
).map(lambda rows: [{"id": f"thing-{place}", **row} for place, row in enumerate(rows)])
ROLES = {"title": "text", "price": "number", "weight": "other"}
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_of(rows):
    types = {"id": pa.string(), "title": pa.string(), "price": pa.int64(), "weight": pa.float64()}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})


def write_jsonl(rows, path):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_jsonl_gz(rows, path):
    path.write_bytes(gzip.compress("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()))


def write_csv(rows, path):
    pacsv.write_csv(table_of(rows), path)


def write_tsv(rows, path):
    pacsv.write_csv(table_of(rows), path, pacsv.WriteOptions(delimiter="\t"))


def write_parquet(rows, path):
    pq.write_table(table_of(rows), path)


WRITERS = {"a.jsonl": write_jsonl, "a.jsonl.gz": write_jsonl_gz, "a.csv": write_csv, "a.tsv": write_tsv, "a.parquet": write_parquet}


@quick
@given(rows=ROWS)
@pytest.mark.parametrize("name", WRITERS)
def test_files_round_trip(name, rows, tmp_path):
    WRITERS[name](rows, tmp_path / name)
    things = read(tmp_path / name, roles=ROLES, id="id")
    assert list(things) == rows


@quick
@given(rows=ROWS)
def test_memory_round_trips(rows):
    table = table_of(rows)
    assert list(from_arrow(table, roles=ROLES, id="id")) == rows
    assert list(from_polars(__import__("polars").from_arrow(table), roles=ROLES, id="id")) == rows


def test_pandas_round_trips():
    import pandas

    things = from_pandas(
        pandas.DataFrame({"id": [1, 2], "title": ["red shoe", None], "when": pandas.to_datetime(["2024-01-01", "2024-02-01"])})
    )
    assert things.id_list == ["1", "2"]
    assert things["title"] == ["red shoe", ""]
    assert things.roles == {"id": "id", "title": "text", "when": "time"}


@pytest.mark.parametrize("name", WRITERS)
def test_batches_are_the_whole_in_parts(name, tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.readers.json_lines.BATCH_ROWS", 7)
    monkeypatch.setattr("nearkin.readers.parquet.BATCH", 7)
    rows = [{"id": f"n{n}", "title": "a word or two", "price": n if n > 9 else None, "weight": n / 2} for n in range(30)]
    WRITERS[name](rows, tmp_path / name)
    parts = list(read_batches(tmp_path / name))
    assert [row for part in parts for row in part] == list(read(tmp_path / name)) == rows
    assert len({tuple(part.roles.items()) for part in parts}) == 1
    assert len({part.table.schema for part in parts}) == 1


def test_a_late_number_in_a_column_of_nothing_keeps_its_type(tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.readers.json_lines.BATCH_ROWS", 2)
    write_jsonl([{"id": "a"}, {"id": "b", "n": None}, {"id": "c", "n": 1}, {"id": "d", "n": 2.5}], tmp_path / "a.jsonl")
    assert read(tmp_path / "a.jsonl")["n"] == [None, None, 1.0, 2.5]
    assert [part["n"] for part in read_batches(tmp_path / "a.jsonl")] == [[None, None], [1.0, 2.5]]


def test_delimited_codes_keep_their_zeros(tmp_path):
    (tmp_path / "a.csv").write_text("id,zip,size\n007,01234,1\n008,56789,2.5\n")
    things = read(tmp_path / "a.csv")
    assert things.id_list == ["007", "008"]
    assert things["zip"] == ["01234", "56789"]
    assert things["size"] == [1.0, 2.5]


def test_semicolons_and_quoted_line_ends(tmp_path):
    (tmp_path / "a.csv").write_text('id;text\n1;"two\nlines; one ""field"""\n2;plain words here\n')
    assert read(tmp_path / "a.csv")["text"] == ['two\nlines; one "field"', "plain words here"]


def test_objects_become_json_text(tmp_path):
    write_jsonl([{"id": "a", "meta": {"x": [1, "ß"]}}, {"id": "b", "meta": {}}], tmp_path / "a.jsonl")
    things = read(tmp_path / "a.jsonl")
    assert [json.loads(text) for text in things["meta"]] == [{"x": [1, "ß"]}, {}]
    assert things.roles["meta"] == "other"
