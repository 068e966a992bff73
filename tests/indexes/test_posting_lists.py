"""Any sequence of updates gives, bit by bit, the answers of a plain scan; nothing is copied or weighed that need not be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weighed_lists import LEVELS, WeighedLists
from nearkin.indexes.weightings import Bm25, Bm25Plus, Impacts, Weighting, lacking
from nearkin.kernels import postings
from nearkin.kernels.posting_lists import RANGE
from nearkin.stage import Stage
from nearkin.tables import Hits, SparseVectors

DIM = 12


def counts(size: int, seed: int, rate: float = 0.3, most: int = 4, whole: bool = True) -> SparseVectors:
    """Rows drawn from few kinds, so that many score alike."""
    random = np.random.default_rng(seed)
    kinds = (random.random((40, DIM)) < rate) * random.integers(1, most, (40, DIM)) * (1 if whole else random.random((40, DIM)))
    dense = kinds[random.integers(0, 40, size)].astype(np.float32)
    row, column = np.nonzero(dense)
    return SparseVectors(np.concatenate([[0], np.cumsum((dense > 0).sum(1))]), column, dense[row, column], DIM)


def scanned(items: SparseVectors, alive: np.ndarray, queries: SparseVectors, weighting: Weighting) -> np.ndarray:
    """The score of each item, float32 [q, n], added in the order that is promised; 0 for no hit."""
    dense = items.to_scipy().toarray().astype(np.float64)
    held_by, length = (dense[alive] > 0).sum(0), dense.sum(1).astype(np.float32)
    mean = max(length[alive].mean(dtype=np.float64), 1e-300) if alive.any() else 1e-300
    rarity = np.where(held_by > 0, weighting.rarity(np.maximum(held_by, 1), max(alive.sum(), 1)), 0)
    lacks = (rarity * lacking(weighting)).astype(np.float32)
    gains = (weighting.gain(dense, length.astype(np.float64)[:, None] / mean) - lacking(weighting)).astype(np.float32)
    scores = np.zeros((len(queries), len(dense)), np.float32)
    for line, start, end in zip(scores, queries.offsets, queries.offsets[1:]):
        terms, values = queries.columns[start:end], queries.values[start:end]
        shift = np.float32(0)
        for term, value in zip(terms, values):
            shift += value * lacks[term]
        for place in np.lexsort((terms, -rarity.astype(np.float32)[terms])):
            add = (values[place] * rarity.astype(np.float32)[terms[place]]) * gains[:, terms[place]]
            line += np.where(dense[:, terms[place]] > 0, add, np.float32(0))
        line[:] = np.where((line > 0) & alive, line + shift, 0)
    return scores


def check(index: InvertedIndex, items: SparseVectors, alive: np.ndarray, queries: SparseVectors, keep: np.ndarray | None = None) -> None:
    """Rows and scores are those of the scan: score falling, then row rising, cut in the midst of ties."""
    hits = index(queries, keep=keep)
    Hits(hits.rows, hits.scores, None, None)  # in the form that a kernel is trusted to give
    for line, found, scores in zip(hits.rows, hits.scores, scanned(items, alive, queries, index.weighting)):
        possible = np.flatnonzero((scores > 0) & (True if keep is None else keep))
        order = possible[np.lexsort((possible, -scores[possible]))][: index.k]
        np.testing.assert_array_equal(line[: len(order)], order)
        np.testing.assert_array_equal(found[: len(order)], scores[order])
        assert (line[len(order) :] == -1).all()


@given(
    parts=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    k=st.integers(1, 40),
    weighting=st.sampled_from([Bm25(), Bm25Plus(), Impacts()]),
    whole=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_any_updates_and_filters_equal_a_scan(parts, seed, k, weighting, whole):
    random = np.random.default_rng(seed)
    every, queries = counts(sum(parts), seed, whole=whole), counts(5, seed + 1)
    index, held, alive = InvertedIndex(k=k, weighting=weighting).fit(every.take(np.arange(parts[0]))), parts[0], np.ones(sum(parts), bool)
    alive[held:] = False
    for part in parts[1:]:
        index = index.add(every.take(np.arange(held, held + part)))
        alive[held : held + part], held = True, held + part
        gone = np.flatnonzero(random.random(held) < 0.15)
        index, alive[gone] = index.remove(gone), False
    check(index, every, alive, queries)
    check(index, every, alive, queries, random.random(len(every)) < 0.5)


@pytest.mark.parametrize("k", [3, 700])
def test_updates_across_ranges_equal_a_scan(k):
    every, queries = counts(RANGE + 900, 3), counts(4, 8, 0.2)
    index = InvertedIndex(k=k).fit(every.take(np.arange(RANGE - 500)))
    alive = np.ones(len(every), bool)
    index = index.add(every.take(np.arange(RANGE - 500, RANGE + 300)))
    for gone in (np.arange(RANGE - 20, RANGE + 20), np.arange(0, 6000)):  # the second time so many that the lists are cleared
        index, alive[gone] = index.remove(gone), False
    index = index.add(every.take(np.arange(RANGE + 300, RANGE + 900)))
    assert len(index.lists_.dead) == 0
    check(index, every, alive, queries)
    check(index, every, alive, queries, np.arange(len(every)) % 7 == 0)


def test_an_update_leaves_full_ranges_alone_and_weighs_nothing():
    index = InvertedIndex().fit(counts(RANGE + 10, 0))
    added = index.add(counts(5, 1))
    for part in range(3):
        assert added.lists_.ranges[0][part] is index.lists_.ranges[0][part]
    removed = index.remove(np.array([3]))
    assert removed.lists_.ranges is index.lists_.ranges
    for other in (added, removed):
        other(counts(1, 2))
        assert other._weighed()._held is None


def test_codes_and_gains_beside_them_give_the_same_bits():
    for most in (3, 60):  # codes of one byte and of two
        items, queries = counts(3000, 0, 0.5, most=most), counts(20, 1)
        cold, hot = InvertedIndex(k=50).fit(items), InvertedIndex(k=50).fit(items)
        while hot._weighed()._held is None:
            hot(queries)
        left = [cold(queries.take([row])) for row in range(1)]
        assert cold._weighed()._held is None
        right = hot(queries)
        for row, hits in enumerate(left):
            np.testing.assert_array_equal(hits.rows[0], right.rows[row])
            np.testing.assert_array_equal(hits.scores[0], right.scores[row])


def test_floors_stay_below_what_they_promise():
    """After items that change the mean length, and with removed ones among those counted."""
    index = InvertedIndex().fit(counts(2500, 0)).add(counts(900, 1, 0.9, most=9)).remove(np.arange(30))
    now = index._weighed()
    assert (now.floors[:, 0] > 0).all()
    assert now._level(10, None) == 1  # 30 of the items that reach the 10th floor may be gone
    places = [each.places for each in index.lists_.ranges]
    assert len(places) == 1
    for term in range(DIM):
        start, end = index.lists_.ranges[0].offsets[term : term + 2]
        gains = np.sort(now.table[index.lists_.ranges[0].values[start:end]])[::-1]
        for level, floor in zip(LEVELS, now.floors[term]):
            assert floor == 0 or gains[level - 1] >= floor


def test_counts_that_are_no_integers_are_kept_as_they_are():
    whole, parts = counts(50, 0), counts(30, 1, whole=False)
    index = InvertedIndex(k=80).fit(whole)
    assert index.lists_.coded
    index = index.add(parts)
    assert not index.lists_.coded
    dense = np.concatenate([whole.to_scipy().toarray(), parts.to_scipy().toarray()])
    row, column = np.nonzero(dense)
    every = SparseVectors(np.concatenate([[0], np.cumsum((dense > 0).sum(1))]), column, dense[row, column], DIM)
    check(index, every, np.ones(80, bool), counts(5, 2))
    check(index.remove(np.array([4])), every, np.arange(80) != 4, counts(5, 2))


def test_more_threads_same_answer():
    items, queries = counts(500, 0), counts(300, 1)
    one, two = (InvertedIndex(k=20, threads=threads).fit(items)(queries) for threads in (1, 2))
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.scores, two.scores)


def test_a_loaded_index_reads_the_lists_from_the_file(tmp_path):
    items, queries = counts(300, 0), counts(5, 1)
    InvertedIndex().fit(items).save(tmp_path / "index")
    index = Stage.load(tmp_path / "index")
    assert all(isinstance(array, np.memmap) for array in index.lists_.ranges[0])
    check(index, items, np.ones(300, bool), queries)
    more = index.add(items.take([0, 1]))
    assert isinstance(more(queries), Hits)


def test_lists_alone_weigh_as_the_index_does():
    index = InvertedIndex(k=5).fit(counts(100, 0))
    rows, _ = WeighedLists(index.lists_, Bm25()).search(counts(3, 1), None, 5, 1)
    np.testing.assert_array_equal(rows, index(counts(3, 1)).rows)


def test_a_loaded_index_is_searched_by_the_kernel_compiled_before(tmp_path):
    items, queries = counts(300, 0), counts(5, 1)
    index = InvertedIndex().fit(items)
    index.remove(np.array([7])).save(tmp_path / "index")
    index(queries)
    before = len(postings.search.signatures)
    Stage.load(tmp_path / "index")(queries)
    assert len(postings.search.signatures) == before
