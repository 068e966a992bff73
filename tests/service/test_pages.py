"""One list for all pages, and counts by hand: no HTTP, no collection."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.service.facets import Values, counted
from nearkin.service.pages import TIERS, Ranked, listing
from nearkin.tables import Hits


def searches(things: int, seed: int):
    """Searches over so many things, whose order changes a little with their depth, as that of a fusion does."""
    scores = np.sort(np.random.default_rng(seed).random(things).astype(np.float32))[::-1]
    asked = []

    def rank(depth):
        asked.append(depth)
        rows = np.argsort(-(scores + np.random.default_rng(depth).random(things) * 0.01), kind="stable")[:depth]
        found = np.linspace(1, 0.1, len(rows), dtype=np.float32)
        return Ranked(Hits(rows[None], found[None], None, None), None, [len(rows) >= depth])

    return rank, asked


@settings(max_examples=40, deadline=None)
@given(things=st.sampled_from([0, 3, 99, 100, 101, 1500]), k=st.integers(1, 400), offset=st.integers(0, 1200), seed=st.integers(0, 3))
def test_pages_are_cut_from_one_list_without_repeats(things, k, offset, seed):
    rank, _ = searches(things, seed)
    whole = [place.row for place in listing(rank, TIERS[-1]).places[0]]
    assert sorted(whole) == list(range(things))
    found = listing(rank, offset + k)
    page = [place.row for place in found.places[0][offset : offset + k]]
    assert page == whole[offset : offset + k]
    assert [place.row for place in found.pool[0]] == whole[: TIERS[0]]


def test_a_search_is_no_deeper_than_is_needed():
    for wanted, depths in [(1, 1), (100, 1), (101, 2), (1000, 2), (1001, 3)]:
        rank, asked = searches(20_000, 0)
        listing(rank, wanted)
        assert asked == list(TIERS[:depths])
    rank, asked = searches(50, 0)
    assert listing(rank, 5_000).ended == [True]
    assert asked == [TIERS[0]]


LISTS = st.lists(st.none() | st.lists(st.sampled_from("abcd") | st.none(), max_size=3), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, seed=st.integers(0, 5))
def test_values_are_counted_as_by_hand(lists, seed):
    random = np.random.default_rng(seed)
    keep, pool = random.random(len(lists)) < 0.7, random.permutation(len(lists))[: len(lists) // 2]
    pool = pool[keep[pool]]  # a hit passes the filter
    values = Values.of(pa.chunked_array([pa.array(lists, pa.list_(pa.string()))]))
    found = {name: (few, whole) for name, few, whole in counted(values, pool, keep)}
    flat = [(row, value) for row, each in enumerate(lists) for value in each or [] if value is not None]
    assert found == {
        name: (sum(value == name and row in pool for row, value in flat), sum(value == name and bool(keep[row]) for row, value in flat))
        for name in {value for row, value in flat if keep[row]}
    }
