"""Files of pairs: columns are known by their names, times put in order, unknown things refused."""

import pytest

from nearkin.errors import BadInput
from nearkin.readers import read_links
from nearkin.tables import Catalog

ITEMS = Catalog.of(["i1", "i2", "i3"], title=["a", "b", "c"])


def file(tmp_path, text, name="clicks.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_clicks_make_their_own_users_and_are_in_order_of_time(tmp_path):
    path = file(tmp_path, "user_id,item_id,timestamp,rating\nu2,i1,30,5\nu1,i3,20,4\nu1,i2,10,3\n")
    links = read_links(path, None, ITEMS)
    assert links.left.id_list == ["u2", "u1"]
    assert links.pairs() == [("u2", "i1"), ("u1", "i2"), ("u1", "i3")]
    assert links.time.tolist() == [30, 10, 20]
    assert links.weight.tolist() == [5, 3, 4]


def test_edges_keep_their_kinds(tmp_path):
    links = read_links(file(tmp_path, "source\ttarget\tkind\ni2\ti1\tneeds\ni1\ti3\tlikes\n", "a.tsv"), ITEMS, ITEMS)
    assert links.pairs() == [("i1", "i3"), ("i2", "i1")]
    assert links.kind.to_pylist() == ["likes", "needs"]


@pytest.mark.parametrize(
    ("early", "late"), [("2024-01-01", "2024-01-02"), ("2024-01-01T10:00:00Z", "2024-01-01T10:00:01Z"), ("1.5", "2e9")], ids=str
)
def test_times_may_be_dates(early, late, tmp_path):
    links = read_links(file(tmp_path, f"user,item,time\nu,i1,{late}\nu,i2,{early}\n"), None, ITEMS)
    assert links.pairs() == [("u", "i2"), ("u", "i1")]


def test_columns_may_be_named(tmp_path):
    path = file(tmp_path, "who,what,when\n7,i1,2\n07,i2,1\n")
    with pytest.raises(BadInput, match=r"cannot tell which columns.* of 'who', 'what', 'when'"):
        read_links(path, None, ITEMS)
    links = read_links(path, None, ITEMS, columns={"left": "who", "right": "what", "time": "when"})
    assert links.left.id_list == ["7", "07"]
    with pytest.raises(BadInput, match="columns are named as left, right, time, weight, kind"):
        read_links(path, None, ITEMS, columns={"left": "whom"})


def test_recbole_interactions_are_read(tmp_path):
    text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ti2\t3\t9\nu\ti1\t5\t8\n"
    links = read_links(file(tmp_path, text, "ml.inter"), None, ITEMS)
    assert links.pairs() == [("u", "i1"), ("u", "i2")]


def test_unknown_items_are_refused_or_left_out(tmp_path):
    path = file(tmp_path, "user,item\nu,i1\nu,i9\n")
    with pytest.raises(BadInput, match=r"clicks\.csv, row 2: 1 links name things in 'item' that are not in the catalogue: 'i9'"):
        read_links(path, None, ITEMS)
    assert read_links(path, None, ITEMS, unknown="skip").pairs() == [("u", "i1")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",i1,1,1", "row 1: the column 'user' is empty"),
        ("u,i1,,1", "row 1: the time 'time' is empty"),
        ("u,i1,soon,1", "the field 'time' must hold numbers or dates"),
        ("u,i1,1,much", "the weight 'weight' must be a number"),
    ],
)
def test_bad_cells_are_refused(row, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        read_links(file(tmp_path, f"user,item,time,weight\n{row}\n"), None, ITEMS)
