import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin.errors import BadInput
from nearkin.tables import Catalog


def shop() -> Catalog:
    table = pa.table({"title": ["red shoe", None, "blue hat"], "sku": [7, 8, 9], "tags": [["a", "b"], [], None], "price": [1.0, 2.0, None]})
    return Catalog(table, {"sku": "id", "title": "text", "tags": "category", "price": "number"})


def test_ids_come_first_as_strings_and_nulls_read_as_empty_text():
    assert shop().table.column_names[0] == "sku"
    assert shop().id_list == ["7", "8", "9"]
    assert shop()["title"] == ["red shoe", "", "blue hat"]


def test_a_thing_without_any_text_keeps_its_place_among_texts():
    table = pa.table({"id": ["a", "b", "c", "d"], "title": ["x", None, "y", None], "body": [None, None, "z", None]})
    for piece in (table, pa.concat_tables([table.slice(0, 1), table.slice(1)])):
        assert Catalog(piece, {"id": "id", "title": "text", "body": "text"}).texts("title", "body") == ["x", "", "y z", ""]


def test_texts_join_the_fields_that_are_there_and_skip_nulls():
    assert shop().texts() == ["red shoe", "", "blue hat"]
    assert shop().texts("title", "tags", "absent") == ["red shoe a b", "", "blue hat"]


def test_rows_of_ids_and_back():
    assert shop().rows_of(["9", "7"]).tolist() == [2, 0]
    assert shop().rows_of(["9", "x"], missing="mark").tolist() == [2, -1]
    with pytest.raises(BadInput, match="'x'"):
        shop().rows_of(["9", "x"])


def test_histories_become_rows_and_leave_out_what_is_unknown():
    offsets, rows = Catalog.histories([["9", "zzz", "7"], [], ["8"]]).history_rows(shop())
    assert offsets.tolist() == [0, 2, 2, 3]
    assert rows.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("table", "roles", "says"),
    [
        ({"id": ["a", "b", "a"]}, {"id": "id"}, r"'a'.*\[0, 2\]"),
        ({"id": ["a", None]}, {"id": "id"}, "empty in 1 rows: 1"),
        ({"id": ["a"]}, {"id": "key"}, "unknown roles"),
        ({"id": ["a"]}, {"id": "id", "name": "text"}, "'name'"),
        ({"id": ["a"], "key": ["b"]}, {"id": "id", "key": "id"}, "exactly one"),
        ({"id": ["a"]}, {}, "exactly one"),
    ],
)
def test_bad_catalogues_are_refused_by_name(table, roles, says):
    with pytest.raises(BadInput, match=says):
        Catalog(pa.table(table), roles)


def test_a_field_named_twice_is_refused():
    with pytest.raises(BadInput, match="'t'"):
        Catalog(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], ["id", "t", "t"]), {"id": "id"})


@given(st.lists(st.text(max_size=5), unique=True, max_size=20), st.data())
def test_take_keeps_values_with_their_ids(names, data):
    catalog = Catalog.of(names, n=list(range(len(names))))
    rows = data.draw(st.permutations(range(len(names))))
    taken = catalog.take(rows)
    assert taken.id_list == [names[row] for row in rows]
    assert taken["n"] == list(rows)
    assert catalog.rows_of(taken.ids).tolist() == list(rows)


def test_a_fingerprint_follows_values_not_the_way_they_are_held():
    one, two = shop(), shop()
    sliced = Catalog(pa.concat_tables([one.table.slice(0, 1), one.table.slice(1)]), one.roles)
    assert one.fingerprint == two.fingerprint == sliced.fingerprint
    changed = Catalog(one.table.set_column(3, "price", pa.array([1.0, 2.5, None])), one.roles)
    assert changed.fingerprint != one.fingerprint


def test_frames_and_arrow_hold_the_same():
    assert shop().to_pandas()["sku"].tolist() == shop().to_polars()["sku"].to_list() == shop().to_arrow()["sku"].to_pylist()


def test_the_table_given_is_not_changed():
    table = pa.table({"title": ["x"], "sku": [7]})
    Catalog(table, {"sku": "id"})
    assert table.column_names == ["title", "sku"]
    assert table["sku"].type == pa.int64()


def test_with_fields_adds_and_replaces():
    more = shop().with_fields({"stars": "number", "title": "text"}, stars=np.array([1, 2, 3]), title=["a", "b", "c"])
    assert more["stars"] == [1, 2, 3]
    assert more["title"] == ["a", "b", "c"]
    assert len(more.roles) == 5
