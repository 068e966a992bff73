"""Bad files are refused with the file, the line or row, the field, and what to do."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nearkin.errors import BadInput
from nearkin.readers import from_arrow, from_pandas, read, read_batches


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


BAD = {
    "absent": ("a.jsonl", None, r"a\.jsonl: no such file"),
    "empty": ("a.jsonl", b"", r"a\.jsonl: the file is empty"),
    "blank": ("a.jsonl", b"\n\n", r"no line holds an object"),
    "duplicate ids": ("a.jsonl", lines({"id": "x"}, {"id": "y"}, {"id": "x"}), r"stand more than once in 'id': 'x'; rows .*\[0, 2\]"),
    "missing id": ("a.jsonl", lines({"id": "x"}, {"t": "y"}), r"the id field 'id' is empty in 1 rows: 1"),
    "mixed types": (
        "a.jsonl",
        lines({"id": "x", "p": 1}, {"id": "y", "p": "one"}),
        r"line 2: the field 'p' holds text, but a number in line 1",
    ),
    "true is no number": ("a.jsonl", lines({"id": "x", "p": 1.5}, {"id": "y", "p": True}), r"line 2: the field 'p' holds true or false"),
    "mixed list": ("a.jsonl", lines({"id": "x", "p": ["a", 1]}), r"line 1: the field 'p' cannot be kept"),
    "huge number": ("a.jsonl", lines({"id": "x", "p": 2**70}), r"line 1: the field 'p' cannot be kept"),
    "half a character": ("a.jsonl", b'{"id": "x", "t": "\\ud800"}\n', r"line 1: the field 't' cannot be kept"),
    "no object": ("a.jsonl", b'{"id": "x"}\n[1]\n', r"line 2: a JSON object"),
    "broken JSON": ("a.jsonl", b'{"id": "x"}\n{"id": \n', r"line 2: not a JSON object"),
    "NaN": ("a.jsonl", b'{"id": "x", "p": NaN}\n', r"line 1: .*NaN is not JSON; write null"),
    "broken UTF-8": ("a.jsonl", b'{"id": "x"}\n{"id": "\xff"}\n', r"line 2: byte 9 \(0xff\) is not UTF-8"),
    "broken UTF-8 in CSV": ("a.csv", b"id,t\n1,fine\n2,caf\xe9\n", r"line 3: byte 6 \(0xe9\) is not UTF-8"),
    "ragged rows": ("a.csv", b"id,t\n1,x\n2\n3,y,z\n", r"2 rows do not have the 2 fields of the header: row 3 has 1 \('2'\); row 4 has 3"),
    "header only": ("a.csv", b"id,t\n", r"no row below the header"),
    "repeated field": ("a.csv", b"id,t,t\n1,x,y\n", r"line 1: field names must differ; repeated: 't'"),
    "nameless field": ("a.csv", b"id,,t\n1,x,y\n", r"line 1: every field needs a name"),
    "cut gzip": ("a.jsonl.gz", gzip.compress(lines({"id": "x" * 5000}))[:-12], r"damaged or cut short"),
    "no gzip": ("a.csv.gz", b"id,t\n1,x\n", r"damaged or cut short"),
    "no Parquet": ("a.parquet", b"PAR1 not really", r"not a whole Parquet file"),
    "unknown ending": ("a.xlsx", b"x", r"the format is told by the ending"),
    "no id": ("a.csv", b"title,price\nred shoe,1.5\nred shoe,2.5\n", r"no field can be the id"),
    "RecBole without types": ("a.item", b"item_id\tname\n1\tx\n", r"must read NAME:TYPE"),
    "RecBole wrong float": (
        "a.inter",
        b"user_id:token\titem_id:token\trating:float\nu\ti\tgood\n",
        r"field 'rating'.*the header says float",
    ),
    "no stanza": ("Packages", b"hello world\n", r"line 1: `Field: value` is expected"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("reader", [read, lambda path: list(read_batches(path))], ids=["read", "read_batches"])
def test_bad_files_are_refused(case, reader, tmp_path):
    name, content, message = BAD[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    if reader is not read and case in ("duplicate ids", "missing id"):
        message = r"field 'id': (the id 'x' of row 3 stood before|row 2 has no id)"
    with pytest.raises(BadInput, match=message) as caught:
        reader(tmp_path / name)
    assert name in str(caught.value)


def test_a_cut_parquet_file_is_refused(tmp_path):
    pq.write_table(pa.table({"id": [str(n) for n in range(5000)]}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"a\.parquet, after row 0: not a whole Parquet file"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_a_field_of_20_mb_is_refused(name, tmp_path):
    rows = [{"id": "x", "t": "small"}, {"id": "y", "t": "b" * (20 << 20)}]
    if name == "a.jsonl":
        (tmp_path / name).write_bytes(lines(*rows))
    elif name == "a.csv":
        (tmp_path / name).write_text("id,t\n" + "".join(f"{row['id']},{row['t']}\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    with pytest.raises(BadInput, match=r"row 2: the field 't' holds 20 MB, at most 16 MB"):
        read(tmp_path / name)


def test_a_quote_that_is_never_closed_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text('id,t\n1,"x' + "words " * (6 << 20))
    with pytest.raises(BadInput, match=r"a\.csv"):
        read(tmp_path / "a.csv")


def test_ids_are_unique_over_all_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.readers.json_lines.BATCH_ROWS", 3)
    (tmp_path / "a.jsonl").write_bytes(lines(*[{"id": str(n % 19)} for n in range(20)]))
    with pytest.raises(BadInput, match="the id '0' of row 20 stood before"):
        read_batches(tmp_path / "a.jsonl")


def test_types_that_change_between_batches_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.readers.json_lines.BATCH_ROWS", 2)
    (tmp_path / "a.jsonl").write_bytes(lines({"id": "a", "p": 1}, {"id": "b", "p": 1}, {"id": "c", "p": "x"}))
    with pytest.raises(BadInput, match="after row 2: the field 'p' holds string, but int64 before"):
        read(tmp_path / "a.jsonl")


def test_unknown_fields_and_roles_are_refused():
    table = pa.table({"id": ["a"], "size": [1.5]})
    with pytest.raises(BadInput, match="there is no field 'colour'; the fields are 'id', 'size'"):
        from_arrow(table, roles={"colour": "category"})
    with pytest.raises(BadInput, match="'txt' is no role"):
        from_arrow(table, roles={"size": "txt"})
    with pytest.raises(BadInput, match="'size' holds double; ids are text or whole numbers"):
        from_arrow(table, id="size")
    with pytest.raises(BadInput, match="no rows"):
        from_arrow(table.slice(0, 0))


def test_mixed_pandas_columns_are_refused():
    import pandas

    with pytest.raises(BadInput, match="mixed values"):
        from_pandas(pandas.DataFrame({"id": ["a", "b"], "p": [1, "one"]}))
