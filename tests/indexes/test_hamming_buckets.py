"""Buckets by code: the same answers as comparing all codes, whatever is added, removed or filtered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.indexes.bit_index import BitIndex
from nearkin.indexes.hamming_buckets import HammingBuckets
from nearkin.stage import Stage
from nearkin.tables import Catalog, Codes


def codes(count: int, bits: int, seed: int = 0) -> Codes:
    """Random bits, many codes alike when there are few bits."""
    return Codes(np.random.default_rng(seed).integers(0, 2, (count, bits)), [2] * bits)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 64), st.integers(0, 60), st.integers(1, 12), st.integers(0, 1000))
def test_it_finds_what_comparing_all_finds(bits, count, k, seed):
    items, queries = codes(count, bits, seed), codes(5, bits, seed + 1)
    random = np.random.default_rng(seed)
    more, gone, keep = codes(7, bits, seed + 2), random.permutation(count + 7)[:5], random.random(count + 7) < 0.7
    found = HammingBuckets(k=k).fit(items).add(more).remove(gone)(queries, keep=keep)
    flat = BitIndex(k=k).fit(items).add(more).remove(gone)(queries, keep=keep)
    np.testing.assert_array_equal(found.rows, flat.rows)
    np.testing.assert_allclose(found.scores, flat.scores, atol=1e-6)


def test_a_radius_gives_all_things_within_it():
    items, queries = codes(300, 12), codes(6, 12, 1)
    index = HammingBuckets().fit(items).remove(np.array([4]))
    distance = (queries.symbols[:, None] != items.symbols[None]).sum(2)
    for radius in (0, 2, 5, 12):
        for line, rows in zip(distance, index.within(queries, radius)):
            np.testing.assert_array_equal(rows, [row for row in np.flatnonzero(line <= radius) if row != 4])


def test_packed_distances_are_those_of_the_symbols():
    for bits in (1, 7, 8, 31, 64):
        items, queries = codes(20, bits), codes(3, bits, 1)
        rows = np.tile(np.arange(20), (3, 1))
        wanted = 1 - 2 * (queries.symbols[:, None] != items.symbols[None]).sum(2) / bits
        np.testing.assert_allclose(HammingBuckets().fit(items).score(queries, rows), wanted, atol=1e-6)


def test_it_is_kept_on_disk_and_knows_its_things(tmp_path):
    things = Catalog.of([f"c{row}" for row in range(40)])
    index = HammingBuckets(k=3).fit(Codes(codes(40, 16).symbols, [2] * 16, things))
    index.save(tmp_path / "index")
    queries = codes(4, 16, 1)
    assert Stage.load(tmp_path / "index")(queries).ids() == index(queries).ids()


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="up to 64 bits"):
        HammingBuckets().fit(codes(3, 65))
    with pytest.raises(ShapeError, match="two symbols"):
        HammingBuckets().fit(Codes(np.array([[2]]), [3]))
    with pytest.raises(ShapeError):
        HammingBuckets().fit(codes(3, 8))(codes(3, 9))
    with pytest.raises(NotFitted):
        HammingBuckets()(codes(3, 8))
