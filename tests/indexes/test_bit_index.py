"""Search of bits against the floats they stand for, whatever happened to the index before."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.codecs.residual_signs import ResidualSigns
from nearkin.codecs.sign_hash import SignHash
from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.bit_index import BitIndex
from nearkin.stage import Stage
from nearkin.tables import Catalog, Codes, Vectors

DIM = 24


def vectors(n: int, seed: int = 0) -> Vectors:
    return Vectors(np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32))


CODEC = ResidualSigns(rounds=2).fit(vectors(50))


def scanned(codec, items: Vectors, queries: Vectors, live: np.ndarray, k: int) -> list[list[int]]:
    """The rows of the k best live items by the cosine of the numbers that the codes stand for: floats, a sort, ties by row."""
    wide = []
    for table in (items, queries):
        planes = codec(table).symbols.reshape(len(table), codec.planes, -1).astype(float) * 2 - 1
        wide.append(np.einsum("npd,p->nd", planes, 0.5 ** np.arange(codec.planes)))
    held, asked = wide
    cosines = (asked @ held.T) / np.sqrt((asked**2).sum(1)[:, None] * (held**2).sum(1))
    order = [np.lexsort((np.arange(len(items)), -line.astype(np.float32))) for line in cosines]
    return [[int(row) for row in line if live[row]][:k] for line in order]


def answered(hits) -> list[list[int]]:
    return [[int(row) for row in line if row >= 0] for line in hits.rows]


@pytest.mark.parametrize("lists", [1, 7])
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from("ar"), st.integers(0, 10_000)), max_size=5), seed=st.integers(0, 1000))
def test_any_sequence_of_changes_equals_an_exact_scan(lists, steps, seed):
    items = vectors(60, seed)
    index, live = BitIndex(codec=CODEC, lists=lists, probe=lists).fit(items), np.ones(60, bool)
    for step, number in steps:
        if step == "a":
            more = vectors(number % 30, number)
            items = Vectors(np.concatenate([items.rows, more.rows]))
            index, live = index.add(more), np.concatenate([live, np.ones(len(more), bool)])
        else:
            gone = np.random.default_rng(number).integers(0, len(items), 5)
            index, live[gone] = index.remove(gone), False
    queries, keep = vectors(4, seed + 1), np.random.default_rng(seed).random(len(items)) < 0.5
    assert answered(index(queries)) == scanned(CODEC, items, queries, live, 10)
    assert answered(index(queries, keep=keep)) == scanned(CODEC, items, queries, live & keep, 10)


def test_a_full_probe_equals_the_flat_index_and_a_part_of_it_finds_most():
    items, queries = vectors(3000), vectors(50, 1)
    flat = BitIndex(codec=CODEC).fit(items)(queries)
    full = BitIndex(codec=CODEC, lists=20, probe=20).fit(items)(queries)
    np.testing.assert_array_equal(full.rows, flat.rows)
    np.testing.assert_array_equal(full.scores, flat.scores)
    shares = []
    for probe in (1, 4, 10):
        part = BitIndex(codec=CODEC, lists=20, probe=probe).fit(items)(queries)
        shares.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(part.rows, flat.rows)]))
    assert shares == sorted(shares)
    assert shares[2] > 0.8


def test_few_lists_with_few_kept_items_are_followed_by_all():
    index = BitIndex(codec=CODEC, lists=20, probe=1).fit(vectors(300))
    keep = np.zeros(300, bool)
    keep[::50] = True
    assert answered(index(vectors(9, 1), keep=keep)) == scanned(CODEC, vectors(300), vectors(9, 1), keep, 10)


def test_ready_bits_are_searched_by_hamming_distance():
    codec = SignHash(bits=70).fit(vectors(1))
    items, queries = codec(vectors(200)), codec(vectors(5, 1))
    hits = BitIndex(k=200).fit(items)(queries)
    apart = (items.symbols[None] != queries.symbols[:, None]).sum(2)
    np.testing.assert_array_equal(np.rint((1 - hits.scores) * 35), np.sort(apart, axis=1))
    np.testing.assert_array_equal(hits.rows, BitIndex(codec=codec, k=200).fit(vectors(200))(vectors(5, 1)).rows)
    joined = codec >> BitIndex(k=5).fit(items)
    np.testing.assert_array_equal(joined(vectors(5, 1)).rows, hits.rows[:, :5])


def test_saved_lists_come_back_as_a_memory_map(tmp_path):
    index = BitIndex(codec=CODEC, lists=5, probe=2).fit(Vectors(vectors(100).rows, Catalog.of([f"i{row}" for row in range(100)])))
    index.save(tmp_path / "index")
    loaded = Stage.load(tmp_path / "index")
    assert isinstance(loaded.bits_, np.memmap)
    assert loaded(vectors(4, 1)).ids() == index(vectors(4, 1)).ids()


def test_queries_of_another_version_of_the_codec_are_refused():
    codec = deepcopy(CODEC)
    index = BitIndex(codec=codec).fit(vectors(30))
    codec.fit(Vectors(vectors(30).rows * 2))
    for use in (
        lambda: index(vectors(1)),
        lambda: index.add(vectors(1)),
        lambda: BitIndex(codec=CODEC, asking=codec).fit(vectors(9))(vectors(1)),
    ):
        with pytest.raises(BadInput, match="compatible"):
            use()
    codec.reads_ = (CODEC.version_,)
    assert len(BitIndex(codec=CODEC, asking=codec).fit(vectors(9))(vectors(1))) == 1


def test_what_is_no_pile_of_bits_is_refused():
    with pytest.raises(BadInput, match="two symbols"):
        BitIndex().fit(Codes(np.zeros((2, 4), int), [3] * 4))
    with pytest.raises(ShapeError, match="planes"):
        BitIndex(planes=2).fit(Codes(np.zeros((2, 5), int), [2] * 5))
    with pytest.raises(ShapeError, match="Codes"):
        BitIndex().fit(vectors(3))
    with pytest.raises(BadInput, match="probe"):
        BitIndex(lists=2, probe=3)
    with pytest.raises(ShapeError, match="dim"):
        BitIndex().fit(Codes(np.zeros((2, 5), int), [2] * 5))(Codes(np.zeros((2, 6), int), [2] * 6))
