from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin import worlds
from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Catalog, Links

USERS, ITEMS = Catalog.of(["u", "v", "w"]), Catalog.of(list("abcdef"))


def clicks() -> Links:
    users = ["v", "u", "u", "v", "u", "u", "w", "w"]
    items = ["a", "c", "b", "d", "a", "f", "e", "a"]
    time = [5, 30, 20, 4, 10, 40, 1, 2]
    return Links.interactions(USERS, ITEMS, users, items, time=np.array(time))


def test_interactions_are_kept_by_user_then_time():
    assert clicks().pairs() == [("u", "a"), ("u", "b"), ("u", "c"), ("u", "f"), ("v", "d"), ("v", "a"), ("w", "e"), ("w", "a")]
    assert clicks().histories()["history"] == [["a", "b", "c", "f"], ["d", "a"], ["e", "a"]]


def test_leave_last_out_takes_the_last_to_test_and_the_one_before_to_validate():
    parts = clicks().split("last")
    assert parts.test.pairs() == [("u", "f")]
    assert parts.valid.pairs() == [("u", "c")]
    assert parts.train.pairs() == [("u", "a"), ("u", "b"), ("v", "d"), ("v", "a"), ("w", "e"), ("w", "a")]


def test_the_history_at_test_holds_the_validation_item():
    assert clicks().split("last").test_histories()["history"] == [["a", "b", "c"], ["d", "a"], ["e", "a"]]


def test_a_split_by_time_keeps_one_moment_together():
    links = Links(USERS, ITEMS, np.zeros(6, int), np.arange(6), time=np.array([1, 1, 2, 3, 3, 3]))
    parts = links.split("time", valid=0.2, test=0.3)
    assert [part.time.tolist() for part in (parts.train, parts.valid, parts.test)] == [[1, 1], [2], [3, 3, 3]]


@given(st.sampled_from(["last", "time", "cold", "random"]), st.integers(0, 5))
def test_every_split_is_a_partition_without_leaks(by, seed):
    links = worlds.cycles(users=40, seed=seed).interactions
    parts = links.split(by, seed=seed)
    parts.check_leaks()
    together = sorted(
        pair for part in (parts.train, parts.valid, parts.test) for pair in zip(part.left_rows.tolist(), part.right_rows.tolist())
    )
    assert together == sorted(zip(links.left_rows.tolist(), links.right_rows.tolist()))


@given(st.integers(0, 5))
def test_cold_items_are_in_one_part_only(seed):
    parts = worlds.cycles(users=40, seed=seed).interactions.split("cold", seed=seed)
    assert not set(parts.train.right_rows) & set(parts.test.right_rows)
    assert not set(parts.valid.right_rows) & set(parts.test.right_rows)


def test_a_leak_is_refused():
    parts = clicks().split("last")
    with pytest.raises(BadInput, match="two parts"):
        type(parts)(parts.train, parts.valid, parts.train).check_leaks()


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        ([3], {}, "left_rows lie in"),
        ([-1], {}, "left_rows lie in"),
        ([0], {"weight": np.array([np.nan], np.float32)}, "not finite"),
        ([0], {"time": np.array([1, 2])}, "2 values of time"),
    ],
)
def test_bad_links_are_refused(rows, more, says):
    with pytest.raises(ShapeError, match=says):
        Links(USERS, ITEMS, np.array(rows), np.zeros(len(rows), int), **more)


def test_negative_grades_and_unknown_ids_are_refused_by_name():
    with pytest.raises(BadInput, match="'u', 'a'"):
        Links.qrels(USERS, ITEMS, [("u", "a", -1)])
    with pytest.raises(BadInput, match="'zz'"):
        Links.qrels(USERS, ITEMS, [("u", "zz", 1)])


def test_reversed_take_and_group():
    back = clicks().reversed()
    assert back.pairs()[0] == ("a", "u")
    offsets, rows = clicks().by_left()
    assert [rows[a:b].tolist() for a, b in pairwise(offsets)] == [[0, 1, 2, 5], [3, 0], [4, 0]]
    assert clicks().take(clicks().left_rows == 1).pairs() == [("v", "d"), ("v", "a")]


def test_a_split_without_order_or_time_is_refused():
    with pytest.raises(BadInput, match="in order"):
        Links(USERS, ITEMS, np.array([1, 0]), np.array([0, 1])).split("last")
    with pytest.raises(BadInput, match="time"):
        Links(USERS, ITEMS, np.array([0]), np.array([1])).split("time")
