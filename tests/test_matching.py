"""Matching two tables without labels: planted answers, symmetry, and floors on real tables."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import data, worlds
from nearkin.encoders.char_grams import CharGrams
from nearkin.errors import BadInput
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weightings import Impacts
from nearkin.matching import duplicates, given_pairs, match, pairs_once, partners
from nearkin.matching.words import word_counts
from nearkin.tables import Catalog


def f1(matches, truth):
    found, right = set(matches.links.pairs()), set(truth.pairs())
    return 2 * len(found & right) / max(len(found) + len(right), 1)


def renamed(catalog):
    """The same things, the fields under other names and in another order."""
    names = catalog.table.column_names
    table = catalog.table.rename_columns(["id", *(f"field {place}" for place in range(1, len(names)))])
    order = ["id", *reversed(table.column_names[1:])]
    roles = {f"field {place}": catalog.roles[name] for place, name in enumerate(names) if place} | {"id": "id"}
    return Catalog(table.select(order), roles)


def test_lists_without_typos_are_matched_exactly():
    world = worlds.two_lists(typos=0.0, seed=1)
    found = match(world.queries, world.items)
    assert set(found.links.pairs()) == set(world.truth.pairs())
    assert found.expected_matches == pytest.approx(100, abs=10)
    assert 0 <= found.expected_wrong < 5
    assert found.warning == ""


def test_typos_cost_little():
    world = worlds.two_lists(typos=0.5, seed=3)
    assert f1(match(world.queries, world.items), world.truth) > 0.97


def test_lists_without_overlap_give_almost_no_links_and_a_warning():
    for seed in range(3):
        world = worlds.two_lists(overlap=0.0, seed=seed)
        found = match(world.queries, world.items)
        assert len(found.links) <= 4
        assert "seem to have a partner" in found.warning


def test_where_few_rows_have_a_partner_only_those_are_linked():
    for seed in range(3):
        world = worlds.two_lists(overlap=0.1, seed=seed)
        found = match(world.queries, world.items)
        assert f1(found, world.truth) > 0.95
        assert "seem to have a partner" in found.warning


def test_left_and_right_may_be_swapped():
    world = worlds.two_lists(typos=0.4, seed=1)
    there, back = match(world.queries, world.items), match(world.items, world.queries)
    assert abs(f1(there, world.truth) - f1(back, world.truth.reversed())) < 0.01


def test_rows_may_be_shuffled():
    world = worlds.two_lists(typos=0.4, seed=1)
    random = np.random.default_rng(0)
    mixed = [table.take(random.permutation(len(table))) for table in (world.queries, world.items)]
    assert abs(f1(match(world.queries, world.items), world.truth) - f1(match(*mixed), world.truth)) < 0.01


def test_columns_may_have_other_names():
    world = worlds.two_lists(typos=0.2, seed=2)
    found = match(world.queries, renamed(world.items))
    assert set(found.columns) == {("name", "field 1"), ("year", "field 2"), ("code", "field 3")}
    assert f1(found, world.truth) > 0.99


def test_copies_inside_a_table_are_all_linked_when_several_partners_are_allowed():
    world = worlds.two_lists(left=120, right=120, typos=0.1, seed=4)
    twice = Catalog.of(
        [f"{name}{mark}" for mark in "ab" for name in world.items.id_list],
        **{name: world.items[name] * 2 for name in ("name", "year", "code")},
    )
    wanted = {(left, f"{right}{mark}") for left, right in world.truth.pairs() for mark in "ab"}
    found = set(match(world.queries, twice, one_to_one=False).links.pairs())
    assert len(found & wanted) > 0.9 * len(wanted)
    assert len(found - wanted) < 0.1 * len(wanted)


def test_any_search_stage_may_block():
    world = worlds.two_lists(typos=0.1)
    encoder = CharGrams(fields=("name",)).fit(world.queries, world.items)
    search = encoder >> InvertedIndex(k=5, weighting=Impacts()).fit(encoder(world.items))
    assert f1(match(world.queries, world.items, blocking=search), world.truth) > 0.99
    with pytest.raises(BadInput, match="fit its index on the right table"):
        match(world.items, world.queries, blocking=search)


def test_a_link_is_explained_and_a_pair_never_compared_is_refused():
    world = worlds.two_lists(typos=0.1)
    found = match(world.queries, world.items)
    left, right = found.links.pairs()[0]
    reasons = found.explain(left, right)
    assert reasons[0].weight > 0
    assert reasons[0].value > reasons[0].usual
    far = next(name for name in world.items.id_list if name not in {r for _, r in found.links.pairs()})
    compared = found.features_.pairs.left_rows[found.features_.pairs.right_rows == world.items.rows_of([far])[0]]
    other = next(name for row, name in enumerate(world.queries.id_list) if row not in compared)
    with pytest.raises(BadInput, match="not compared"):
        found.explain(other, far)


def test_words_of_two_tables_are_counted_in_the_same_columns():
    left, right = word_counts(["b a A", ""], ["c b", "a"])
    assert left.dim == right.dim == 3
    dense = [[[0] * 3 for _ in range(2)] for _ in range(2)]
    for side, counts in zip(dense, (left, right), strict=True):
        for row in range(2):
            for place in range(counts.offsets[row], counts.offsets[row + 1]):
                side[row][counts.columns[place]] = int(counts.values[place])
    assert dense == [[[2, 1, 0], [0, 0, 0]], [[0, 1, 1], [1, 0, 0]]]
    texts = ["b a A", ""]
    one, other = word_counts(texts, texts)
    assert one is other
    assert one.values.tolist() == [2, 1]
    assert word_counts([], [])[0].dim == 1


@settings(max_examples=12, deadline=None)
@given(left=st.integers(1, 60), more=st.integers(0, 40), typos=st.floats(0, 1), one_to_one=st.booleans(), seed=st.integers(0, 99))
def test_the_bars_of_a_pair_sum_to_its_score(left, more, typos, one_to_one, seed):
    world = worlds.two_lists(left=left, right=left + more, overlap=0.5, typos=typos, seed=seed)
    found = match(world.queries, world.items, one_to_one=one_to_one)
    bars = found.waterfall(np.arange(len(found.features_.pairs)))
    assert len(bars.parts) == bars.weights.shape[1]
    np.testing.assert_allclose(bars.start + bars.weights.sum(1), found.learned_.scores, atol=1e-6)


def test_a_bar_shows_what_it_reads_and_a_field_has_one():
    world = worlds.two_lists(typos=0.1)
    found = match(world.queries, world.items)
    bars = found.waterfall(partners(found).places[:1])
    assert bars.learned
    by_name = {part.name: part for part in bars.parts}
    assert len(by_name) == len(bars.parts)
    thing = {"name": "Sony PS-LX350H, 7", "code": None, "year": "made 1999"}
    assert by_name["name"].said(thing, {}) == ("Sony PS-LX350H, 7", None)
    assert by_name["model numbers"].said(thing, thing)[0] == ["pslx350h"]
    assert by_name["ahead of rivals"].said(thing, thing) == (None, None)


def test_every_row_has_a_partner_in_some_band_and_the_sure_ones_are_right():
    world = worlds.two_lists(typos=0.3, seed=2)
    found = match(world.queries, world.items)
    chosen = partners(found)
    bands = np.array(chosen.bands(0.9))
    assert set(np.unique(bands)) <= {"sure", "maybe", "no"}
    pairs = found.features_.pairs
    sure = {(int(pairs.left_rows[place]), int(pairs.right_rows[place])) for place in chosen.places[bands == "sure"]}
    truth = set(zip(world.truth.left_rows.tolist(), world.truth.right_rows.tolist(), strict=True))
    assert len(sure & truth) > 0.97 * max(len(sure), 0.8 * len(truth))
    assert set(chosen.places[chosen.kept].tolist()) == set(np.flatnonzero(found.chances_ > 0).tolist())


def test_where_few_rows_have_a_partner_no_more_are_offered_than_are_expected():
    world = worlds.two_lists(left=200, right=200, overlap=0.05, typos=0.3, seed=2)
    found = match(world.queries, world.items)
    chosen = partners(found)
    assert "seem to have a partner" in found.warning
    assert chosen.chances.sum() == pytest.approx(found.expected_matches)
    assert chosen.bands(0.9).count("maybe") <= 10


def test_where_there_are_too_few_rows_no_chance_is_told():
    left, right = Catalog.of(name=["Gimp image editor", "zebra"]), Catalog.of(name=["GIMP image edtior", "Blender"])
    chosen = partners(match(left, right))
    assert np.isnan(chosen.chances).all()
    assert "sure" not in chosen.bands(0.5)
    assert "maybe" in chosen.bands(0.9)


@pytest.mark.parametrize("overlap", [0.2, 0.6])
def test_a_table_is_matched_with_itself(overlap):
    world = worlds.two_lists(left=200, right=200, overlap=overlap, typos=0.2, seed=2)
    names = [*(f"l{name}" for name in world.queries.id_list), *(f"r{name}" for name in world.items.id_list)]
    table = Catalog.of(names, **{field: world.queries[field] + world.items[field] for field in ("name", "year", "code")})
    found = duplicates(table)
    once = pairs_once(found, partners(found))
    pairs = found.features_.pairs
    kept = [frozenset((names[pairs.left_rows[place]], names[pairs.right_rows[place]])) for place in once.places[once.kept]]
    wanted = {frozenset((f"l{left}", f"r{right}")) for left, right in world.truth.pairs()}
    assert len(kept) == len(set(kept))
    assert all(len(pair) == 2 for pair in kept)
    assert len(set(kept) & wanted) > 0.95 * max(len(kept), len(wanted))


def test_given_pairs_are_judged_alike_in_both_directions_whether_a_search_found_them_or_not():
    world = worlds.two_lists(left=200, right=200, overlap=0.6, typos=0.2, seed=2)
    table = Catalog.of(**{field: world.queries[field] + world.items[field] for field in ("name", "year", "code")})
    true = world.truth.left_rows[:50], world.truth.right_rows[:50] + 200
    wrong = true[0], np.roll(true[1], 7)
    given = np.concatenate([true[0], wrong[0]]), np.concatenate([true[1], wrong[1]])
    found = duplicates(table, also=given)
    there, back = given_pairs(found, *given), given_pairs(found, *given[::-1])
    assert there.places.tolist() == back.places.tolist()
    pairs = found.features_.pairs
    told = {frozenset(pair) for pair in zip(pairs.left_rows[there.places].tolist(), pairs.right_rows[there.places].tolist(), strict=True)}
    assert told == {frozenset(pair) for pair in zip(given[0].tolist(), given[1].tolist(), strict=True)}
    assert (there.chances[:50] > 0.9).mean() >= 0.9
    assert (there.chances[50:] < 0.1).mean() >= 0.95


@pytest.mark.parametrize(("left", "right"), [(0, 3), (1, 1), (2, 0)])
def test_tiny_tables(left, right):
    tables = [Catalog.of([str(row) for row in range(size)], name=["red shoe", "blue hat", "old coat"][:size]) for size in (left, right)]
    assert len(match(*tables).links) <= min(left, right)


def test_rows_that_share_no_filled_column_are_never_linked():
    left = Catalog.of(name=["12 main street", "old oak inn", "red fox"], street=["", "", ""])
    right = Catalog.of(name=["", "old oak inn", "red fox"], street=["12 main street", "", ""])
    assert ("0", "0") not in match(left, right).links.pairs()


FLOORS = {
    "er-abt-buy": (0.95, 0.93),
    "er-amazon-google": (0.71, 0.7),
    "er-dblp-acm": (0.985, 0.985),
    "er-imdb-tmdb": (0.90, 0.93),
    "er-restaurants": (0.55, 0.95),
}


@pytest.mark.parametrize("name", FLOORS)
def test_real_tables_reach_their_floors(name):
    if name not in data.available():
        pytest.skip(f"{name} is not in NEARKIN_DATA ({os.environ.get('NEARKIN_DATA', 'unset')})")
    pair = data.load(name)
    found = match(pair.queries, pair.items)
    right = set(pair.truth.pairs())
    recall = len(set(found.links.pairs()) & right) / len(right)
    least_f1, least_recall = FLOORS[name]
    assert f1(found, pair.truth) >= least_f1
    assert recall >= least_recall


def test_a_handful_of_rows_is_matched_by_likeness_and_warned_of():
    left = Catalog.of(["1", "2", "3"], name=["Gimp image editor", "Inkscape vector drawing", "VLC media player"])
    right = Catalog.of(["a", "b", "c"], title=["inkscpae vector drawing program", "GIMP image edtior", "Blender"])
    found = match(left, right)
    assert set(found.links.pairs()) == {("1", "b"), ("2", "a")}
    assert "too small" in found.warning
