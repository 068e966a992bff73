"""BM25 as it is defined, equal to bm25s, with statistics that follow every update."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weightings import Bm25, Bm25L, Bm25Plus, Impacts, Okapi
from nearkin.kernels.posting_lists import RANGE
from nearkin.tables import Catalog, SparseVectors

WEIGHTINGS = {
    "lucene": Bm25(k1=1.5, b=0.6),
    "robertson": Okapi(k1=1.5, b=0.6),
    "bm25l": Bm25L(k1=1.5, b=0.6, delta=0.5),
    "bm25+": Bm25Plus(k1=1.5, b=0.6, delta=0.5),
}
WORDS = st.lists(st.sampled_from([f"w{number}" for number in range(12)]), max_size=10)


def sparse(rows: list[dict[int, float]], dim: int) -> SparseVectors:
    """Vectors from dictionaries of column -> value."""
    offsets = np.cumsum([0, *map(len, rows)])
    columns = [column for row in rows for column in sorted(row)]
    return SparseVectors(offsets, columns, [row[column] for row in rows for column in sorted(row)], dim)


def random_counts(count: int, dim: int, seed: int, rate: float = 0.1) -> SparseVectors:
    from scipy.sparse import random_array

    random = np.random.default_rng(seed)
    return SparseVectors.from_scipy(
        random_array((count, dim), density=rate, rng=random, data_sampler=lambda size: random.integers(1, 5, size).astype(np.float32))
    )


def shift(index: InvertedIndex, query: SparseVectors) -> np.float32:
    """The score of an item that holds no term of the query."""
    return (query.values * index._weighed().lacks[query.columns]).sum()


def naive(items: SparseVectors, query: dict[int, float], k1: float = 1.2, b: float = 0.75) -> np.ndarray:
    """BM25 of one query by the book, float64 [n]."""
    dense = items.to_scipy().toarray().astype(float)
    lengths, scores = dense.sum(1), np.zeros(len(dense))
    for column, times in query.items():
        held_by = (dense[:, column] > 0).sum()
        rarity = math.log(1 + (len(dense) - held_by + 0.5) / (held_by + 0.5))
        for row, count in enumerate(dense[:, column]):
            if count:
                scores[row] += times * rarity * count / (count + k1 * (1 - b + b * lengths[row] / lengths.mean()))
    return scores


def test_scores_are_those_of_the_formula():
    items, query = random_counts(60, 20, 0), {3: 1.0, 7: 2.0, 19: 1.0}
    hits = InvertedIndex(k=60).fit(items)(sparse([query], 20))
    expected = naive(items, query)
    found = hits.rows[0][hits.rows[0] >= 0]
    assert set(found) == set(np.flatnonzero(expected > 0))
    np.testing.assert_allclose(hits.scores[0][: len(found)], expected[found], rtol=1e-5)


@pytest.mark.parametrize("method", sorted(WEIGHTINGS))
@given(texts=st.lists(WORDS, min_size=2, max_size=20), query=WORDS.filter(len))
@settings(deadline=None)
def test_equals_bm25s(method, texts, query):
    bm25s = pytest.importorskip("bm25s")
    if not any(texts):
        return
    weighting = WEIGHTINGS[method]
    theirs = bm25s.BM25(method=method, k1=weighting.k1, b=weighting.b, delta=0.5)
    theirs.index(texts, show_progress=False)
    known = [word for word in query if word in theirs.vocab_dict]
    expected = theirs.get_scores(known) if known else np.zeros(len(texts), np.float32)

    shop = Catalog.of(title=[" ".join(words) for words in texts])
    encoder = BagOfWords(language="none").fit(shop)
    index = InvertedIndex(k=len(texts), weighting=weighting).fit(encoder(shop))
    asked = encoder(Catalog.of(title=[" ".join(query)]))
    np.testing.assert_allclose(index.score(asked, np.arange(len(texts))[None])[0], expected, atol=1e-5)
    hits = index(asked)
    found = hits.rows[0][hits.rows[0] >= 0]
    assert (np.diff(expected[found]) <= 1e-5).all()  # their order is ours, apart from ties
    lowest = float(shift(index, asked))
    assert set(np.flatnonzero(expected > lowest + 1e-5)) <= set(found)


@given(order=st.permutations(range(20)), query=st.sets(st.integers(0, 9), min_size=1))
@settings(deadline=None)
def test_order_of_items_does_not_matter(order, query):
    items, asked = random_counts(20, 10, 0, 0.3), sparse([dict.fromkeys(query, 1.0)], 10)
    straight = InvertedIndex(k=20).fit(items).score(asked, np.array([order]))
    shuffled = InvertedIndex(k=20).fit(items.take(order)).score(asked, np.arange(20)[None])
    np.testing.assert_array_equal(straight, shuffled)


@pytest.mark.parametrize("k", [1, 10, 300, 5000])
@pytest.mark.parametrize("rate", [0.00005, 0.002, 0.03])
@pytest.mark.parametrize("filtered", [False, True])
def test_every_way_of_selection_gives_the_exact_answer(monkeypatch, k, rate, filtered):
    """Several ranges of items, few and many postings, few and many hits; repeated rows make ties."""
    count = RANGE + 3000
    random = np.random.default_rng(0)
    items = random_counts(3000, 30, 1, max(rate, 0.002)).take(random.integers(0, 3000, count))
    if rate < 0.002:
        items = sparse([{} for _ in range(count - 40)] + [{column % 30: 1.0 + column % 3} for column in range(40)], 30)
    queries = sparse([dict.fromkeys(random.choice(30, 4, replace=False), 1.0) for _ in range(5)] + [{}], 30)
    keep = random.random(count) < 0.3 if filtered else None
    index = InvertedIndex(k=k).fit(items)
    hits = index(queries, keep=keep)
    scores = index.score(queries, np.broadcast_to(np.arange(count), (6, count)))
    for line, found, all_scores in zip(hits.rows, hits.scores, scores):
        possible = np.flatnonzero((all_scores > 0) & (keep if filtered else True))
        order = possible[np.lexsort((possible, -all_scores[possible]))][:k]
        np.testing.assert_array_equal(line[: len(order)], order)
        np.testing.assert_array_equal(found[: len(order)], all_scores[order])
        assert (line[len(order) :] < 0).all()


def test_a_word_twice_in_the_query_counts_twice():
    index = InvertedIndex().fit(random_counts(30, 10, 0, 0.4))
    rows = np.arange(30)[None]
    once, twice = (index.score(sparse([{4: times}], 10), rows) for times in (1.0, 2.0))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


@pytest.mark.parametrize("method", sorted(WEIGHTINGS))
def test_explanation_sums_to_the_score(method):
    index = InvertedIndex(weighting=WEIGHTINGS[method]).fit(random_counts(30, 10, 0, 0.4))
    query = sparse([{1: 1.0, 4: 2.0, 8: 1.0}], 10)
    for row in range(30):
        parts = index.explain(query, row)
        assert sum(part for _, part in parts) == pytest.approx(float(index.score(query, np.array([[row]]))[0, 0]), abs=1e-5)
        assert {column for column, _ in parts} <= {1, 4, 8}
        assert [part for _, part in parts] == sorted((part for _, part in parts), reverse=True)


def test_statistics_follow_adding_and_removing():
    """Any mixture of updates equals fitting what is left, to the last bit."""
    items, queries = random_counts(200, 40, 0), random_counts(10, 40, 1, 0.1)
    index = InvertedIndex(k=200).fit(items.take(np.arange(80))).remove(np.array([3, 70]))
    index = index.add(items.take(np.arange(80, 200))).remove(np.arange(100, 130))
    left = np.setdiff1d(np.arange(200), [3, 70, *range(100, 130)])
    fresh = InvertedIndex(k=200).fit(items.take(left))(queries)
    found = index(queries)
    np.testing.assert_array_equal(found.scores[:, : len(left)], fresh.scores)
    np.testing.assert_array_equal(found.rows[:, : len(left)], np.where(fresh.rows >= 0, left[fresh.rows], -1))


def test_new_words_come_with_new_items():
    shop, more = Catalog.of(["a", "b"], title=["red shoe", "red hat"]), Catalog.of(["c"], title=["blue shoe"])
    encoder = BagOfWords().fit(shop)
    index = InvertedIndex().fit(encoder(shop))
    wider = encoder.extended(more)
    index = index.add(wider(more))
    assert index(wider(Catalog.of(title=["blue", "shoe"]))).ids() == [["c"], ["a", "c"]]
    with pytest.raises(ShapeError, match="one encoder"):
        index(encoder(Catalog.of(title=["shoe"])))
    with pytest.raises(ShapeError, match="extend the encoder"):
        index.add(encoder(Catalog.of(["d"], title=["shoe"])))


def test_impacts_are_inner_products():
    random = np.random.default_rng(0)
    items, queries = random_counts(50, 20, 0, 0.3), random_counts(5, 20, 1, 0.3)
    items.values = random.random(len(items.values)).astype(np.float32)
    hits = InvertedIndex(k=50, weighting=Impacts()).fit(items)(queries)
    products = queries.to_scipy().toarray() @ items.to_scipy().toarray().T
    for line, scores, expected in zip(hits.rows, hits.scores, products):
        np.testing.assert_allclose(scores[line >= 0], np.sort(expected[expected > 0])[::-1], rtol=1e-5)


@pytest.mark.parametrize("weighting", [*WEIGHTINGS.values(), Impacts()])
def test_a_weighting_is_a_stage_that_gives_what_the_search_adds_up(weighting):
    items, query = random_counts(30, 10, 0, 0.4), {1: 1.0, 4: 1.0}
    weights = weighting(items).to_scipy().toarray()
    index = InvertedIndex(weighting=weighting).fit(items)
    scores = index.score(sparse([query], 10), np.arange(30)[None])[0]
    np.testing.assert_allclose(weights[:, [1, 4]].sum(1) + shift(index, sparse([query], 10)), scores, atol=1e-5)


def test_counts_of_any_size_are_kept():
    for top in (3.0, 300.0, 70_000.0):
        items = sparse([{0: 1.0}, {0: top}, {1: 1.0}, {1: 2.0}, {1: 1.0}], 2)
        np.testing.assert_allclose(
            InvertedIndex().fit(items).score(sparse([{0: 1.0}], 2), np.arange(5)[None])[0], naive(items, {0: 1}), 1e-5
        )


def test_refuses_negative_numbers_and_bad_settings():
    with pytest.raises(BadInput, match="not negative"):
        InvertedIndex().fit(sparse([{0: -1.0}], 2))
    with pytest.raises(BadInput, match="k1 > 0"):
        Bm25(k1=-1)


REAL = {"ir-scifact": (0.674, 0.684), "ir-cranfield": (0.375, 0.38), "ir-vaswani": (0.436, 0.44)}  # nDCG@10


@pytest.mark.parametrize("name", REAL)
def test_published_figures_on_real_data(need_data, name):
    ir_measures = pytest.importorskip("ir_measures")
    need_data(name)
    from nearkin import data

    world = data.load(name)
    encoder = BagOfWords(fields=("title", "text")).fit(world.items)
    hits = InvertedIndex(k=100).fit(encoder(world.items))(encoder(world.queries))
    judged = [
        ir_measures.Qrel(world.truth.left.id_list[left], world.truth.right.id_list[right], int(weight))
        for left, right, weight in zip(world.truth.left_rows, world.truth.right_rows, world.truth.weight)
    ]
    run = [ir_measures.ScoredDoc(hit.query, hit.item, hit.score) for hit in hits]
    measure = ir_measures.parse_measure("nDCG@10")
    low, high = REAL[name]
    assert low <= ir_measures.calc_aggregate([measure], judged, run)[measure] <= high
