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


def test_a_changed_catalogue_is_the_one_made_at_once():
    random, size = np.random.default_rng(0), 3000
    whole = Catalog.of([f"t{row}" for row in range(size)], title=[f"title {row}" for row in range(size)], price=list(range(size)))
    names, now = whole.id_list, whole
    for step in range(30):
        gone = np.sort(random.choice(len(now), random.integers(0, 40), replace=False))
        new = [f"n{step}-{row}" for row in range(random.integers(0, 60))]
        new += [now.id_list[row] for row in gone[:3]]  # come again
        more = Catalog.of(new, title=[f"new {name}" for name in new], price=[1] * len(new)) if new else None
        before, held = now, now.id_list
        now = now.changed(gone, more)
        names = [*np.delete(np.array(names, object), gone), *new]
        assert before.id_list == held
    made = Catalog(now.table.combine_chunks(), now.roles)
    assert now.id_list == names == made.id_list
    rows = random.choice(len(now), 25, replace=False)
    assert now.take(rows).table.equals(made.take(rows).table)
    assert now.ids_at(rows) == [names[row] for row in rows]
    asked = [names[row] for row in rows] + ["nobody"]
    assert now.rows_of(asked, missing="mark").tolist() == [*rows.tolist(), -1]
    assert now.table.column(0).num_chunks < 40
    with pytest.raises(BadInput, match="unique"):
        now.changed(rows[:0], made.take(rows[:2]))
    empty = now.changed(np.arange(len(now)))
    assert len(empty) == 0
    assert empty.changed(rows[:0], made.take([4])).id_list == [names[4]]
