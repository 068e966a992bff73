"""Rows of another table matched with a collection, and a collection with itself: planted answers."""

from __future__ import annotations

import pytest

from nearkin import worlds
from nearkin.collection import Collection
from nearkin.errors import BadInput
from nearkin.tables import Catalog

WORLD = worlds.two_lists(left=120, right=200, overlap=0.6, typos=0.2, seed=3)
TRUTH = dict(WORLD.truth.pairs())


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    with Collection.build(tmp_path_factory.mktemp("partnering") / "books", WORLD.items) as collection:
        yield collection


def test_each_row_is_told_its_thing_or_none(books):
    found = books.match(WORLD.queries, explain=True)
    assert [each.left for each in found] == WORLD.queries.id_list
    right = sum(TRUTH.get(each.left) == each.right for each in found)
    assert right >= 0.97 * len(found)
    assert found.expected == pytest.approx(len(TRUTH), abs=8)
    assert found.warnings == []
    for each in found:
        assert (each.right is None) == (each.band == "no")
        if each.right is not None:
            assert each.thing["id"] == each.right
            assert each.why["scale"] == "log-odds"
            assert each.why["start"] + sum(part["weight"] for part in each.why["parts"]) == pytest.approx(each.score, abs=1e-6)


def test_a_higher_threshold_is_never_surer(books):
    before = None
    for threshold in (0.5, 0.8, 0.99):
        bands = books.match(WORLD.queries, threshold=threshold).bands()
        assert sum(bands.values()) == len(WORLD.queries)
        if before is not None:
            assert bands["sure"] <= before["sure"]
            assert bands["no"] <= before["no"]
        before = bands
    for wrong in (0.4, 1.0):
        with pytest.raises(BadInput, match="threshold"):
            books.match(WORLD.queries, threshold=wrong)


def test_a_filter_keeps_things_out(books):
    gone = next(iter(TRUTH.items()))
    found = books.match(WORLD.queries, where=f"id <> '{gone[1]}'")
    assert {each.left: each.right for each in found}[gone[0]] != gone[1]


def test_a_few_rows_get_no_chance_but_what_looks_alike(books):
    thing = next(iter(TRUTH.values()))
    found = books.match(Catalog.of(["a", "b"], name=[WORLD.items["name"][WORLD.items.rows_of([thing])[0]], ""]), explain=True)
    assert [each.right for each in found] == [thing, None]
    assert [each.chance for each in found] == [None, None]
    assert found.partners[0].band == "maybe"
    assert found.partners[0].why["scale"] == "likeness"
    assert (found.expected, found.precision) == (None, None)
    assert "no estimate" in found.warnings[0]
    assert len(books.match(Catalog.of(name=[]))) == 0


def test_a_collection_is_matched_with_itself(tmp_path):
    names = [*(f"l{name}" for name in WORLD.queries.id_list), *(f"r{name}" for name in WORLD.items.id_list)]
    both = Catalog.of(names, **{field: WORLD.queries[field] + WORLD.items[field] for field in ("name", "year", "code")})
    with Collection.build(tmp_path / "both", both) as shop:
        found = shop.duplicates(explain=True)
        wanted = {frozenset((f"l{left}", f"r{right}")) for left, right in TRUTH.items()}
        told = [frozenset(pair) for pair in found.pairs()]
        assert len(told) == len(set(told))
        assert len(set(told) & wanted) >= 0.95 * max(len(told), len(wanted))
        assert all(each.band != "no" for each in found)
        some = shop.duplicates(where="id < 's' and id >= 'r'")
        assert len(some) <= 3
