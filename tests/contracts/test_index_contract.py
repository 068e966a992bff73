"""What every index over vectors promises, whichever it is."""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import nearkin.indexes
from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.codecs.residual_signs import ResidualSigns
from nearkin.codecs.sign_hash import SignHash
from nearkin.errors import Missing, NearkinError, NotFitted, ShapeError
from nearkin.indexes.bit_index import BitIndex
from nearkin.indexes.coded_index import CodedIndex
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.milvus import MilvusIndex
from nearkin.indexes.multi_vector_index import MultiVectorIndex
from nearkin.indexes.pgvector import PgVectorIndex
from nearkin.indexes.single_vector_heuristic import SingleVectorHeuristic
from nearkin.indexes.two_level_index import TwoLevelIndex
from nearkin.indexes.weightings import Bm25L, Bm25Plus, Impacts, Okapi
from nearkin.projections.fde import Fde
from nearkin.stage import Index, Stage
from nearkin.tables import Catalog, Hits, RaggedVectors, SparseVectors, Vectors
from tests import stores

N, Q, DIM = 90, 12, 16

# Beside each class with its own settings, those of its forms that compute something else.
MORE = {
    "InvertedIndex, Okapi": lambda k: InvertedIndex(k=k, weighting=Okapi()),
    "InvertedIndex, BM25L": lambda k: InvertedIndex(k=k, weighting=Bm25L()),
    "InvertedIndex, BM25+": lambda k: InvertedIndex(k=k, weighting=Bm25Plus()),
    "InvertedIndex, impacts": lambda k: InvertedIndex(k=k, weighting=Impacts()),
    "BitIndex, hashed": lambda k: BitIndex(k=k, codec=SignHash(bits=50).fit(Vectors(np.zeros((1, DIM), np.float32)))),
    "BitIndex, stacked": lambda k: BitIndex(k=k, codec=ResidualSigns(rounds=3).fit(Vectors(np.ones((1, DIM), np.float32)))),
    "BitIndex, lists": lambda k: BitIndex(k=k, codec=ResidualSigns().fit(Vectors(np.ones((1, DIM), np.float32))), lists=5, probe=5),
    "CodedIndex, parts": lambda k: CodedIndex(
        k=k, codec=ProductQuantiser(levels=4, codebook_size=16).fit(table(lambda _: FlatIndex(), 40, 9))
    ),
    "TwoLevelIndex, parts": lambda k: TwoLevelIndex(
        k=k, weight=0.3, codec=ProductQuantiser(levels=4, codebook_size=16).fit(table(lambda _: FlatIndex(), 40, 9))
    ),
    "MultiVectorIndex, all": lambda k: MultiVectorIndex(k=k, encoding=Fde(repetitions=2, k_sim=2, d_proj=4), rerank=1000),
    "SingleVectorHeuristic, all": lambda k: SingleVectorHeuristic(k=k, each=1000),
    "PgVectorIndex, scanned": lambda k: PgVectorIndex(k=k, address=stores.postgres(), table="contract"),
    "PgVectorIndex, walked": lambda k: PgVectorIndex(k=k, address=stores.postgres(), table="contract", scan_below=0, window=200),
    "MilvusIndex, lite": lambda k: MilvusIndex(k=k, address=stores.milvus(), table="contract", window=200),
}
# Scores of these change when other items come or go: rarity and mean length are those of the items held.
STATISTICAL = {"InvertedIndex"}


def found_indexes():
    """Every index class over vectors in the room, by name."""
    for place in pkgutil.iter_modules(nearkin.indexes.__path__, "nearkin.indexes."):
        try:
            module = import_module(place.name)
        except Missing:
            continue
        for name, kind in vars(module).items():
            own = inspect.isclass(kind) and kind.__module__ == module.__name__
            if own and issubclass(kind, Index) and not inspect.isabstract(kind) and kind.takes in (Vectors, SparseVectors, RaggedVectors):
                yield name, kind


MAKE = {name: (lambda k, kind=kind: kind(k=k)) for name, kind in found_indexes()} | MORE


@pytest.fixture(params=sorted(MAKE))
def part(request):
    """The name of an index, and a function of k that makes it."""
    try:
        MAKE[request.param](1)
    except (TypeError, Missing) as error:
        pytest.skip(f"{request.param} cannot be made from k alone: {error}")
    return request.param.split(",")[0], MAKE[request.param]


def table(make, count, seed, prefix=None):
    """Random vectors of the kind that the index takes."""
    random = np.random.default_rng(seed)
    things = None if prefix is None else Catalog.of([f"{prefix}{row}" for row in range(count)])
    if make(1).takes is Vectors:
        return Vectors(random.normal(size=(count, DIM)).astype(np.float32), things)
    if make(1).takes is RaggedVectors:
        offsets = np.concatenate([[0], random.integers(1, 6, count).cumsum()])
        return RaggedVectors(random.normal(size=(offsets[-1], DIM)).astype(np.float32), offsets, things)
    from scipy.sparse import csr_array

    counts = random.poisson(0.4, (count, DIM)) * (random.random((count, DIM)) < 0.5)
    return SparseVectors.from_scipy(csr_array(counts.astype(np.float32)), things)


def same(left: Hits, right: Hits) -> None:
    np.testing.assert_array_equal(left.rows, right.rows)
    np.testing.assert_array_equal(left.scores, right.scores)


def mapped(hits: Hits, rows: np.ndarray) -> np.ndarray:
    """The rows of hits among some items, as rows of all items."""
    return np.where(hits.rows >= 0, rows[hits.rows], -1)


def same_up_to_pads(found: Hits, rows: np.ndarray, scores: np.ndarray) -> None:
    """Hits equal these rows and scores; the narrower of the two is padded."""
    width = min(found.rows.shape[1], rows.shape[1])
    np.testing.assert_array_equal(found.rows[:, :width], rows[:, :width])
    np.testing.assert_array_equal(found.scores[:, :width], scores[:, :width])
    assert (found.rows[:, width:] < 0).all()
    assert (rows[:, width:] < 0).all()


def test_fit_returns_itself_and_finds(part):
    _, make = part
    index = make(5)
    assert index.fit(table(make, N, 0)) is index
    assert isinstance(index(table(make, Q, 1)), Hits)


def test_unfitted_is_refused(part):
    _, make = part
    with pytest.raises(NotFitted):
        make(5)(table(make, Q, 1))


def test_same_items_same_answer(part):
    _, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    same(make(5).fit(items)(queries), make(5).fit(items)(queries))


def test_saved_equals_loaded(part, tmp_path):
    _, make = part
    items, queries = table(make, N, 0, "i"), table(make, Q, 1, "q")
    index = make(5).fit(items).remove(np.array([3]))
    index.save(tmp_path / "index")
    loaded = Stage.load(tmp_path / "index")
    same(index(queries), loaded(queries))
    assert loaded(queries).ids() == index(queries).ids()
    more = table(make, 3, 2, "m")
    same(index.add(more)(queries), loaded.add(more)(queries))
    same(index.remove(np.array([5]))(queries), loaded.remove(np.array([5]))(queries))


def test_one_query_at_a_time_equals_all(part):
    _, make = part
    index, queries = make(5).fit(table(make, N, 0)), table(make, Q, 1)
    whole = index(queries)
    for row in range(Q):
        same(index(queries.take([row])), whole.take([row]))


def test_no_queries_no_items_and_one_item(part):
    name, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    assert len(make(5).fit(items)(queries.take([]))) == 0
    single = make(5).fit(items.take([0]))(items.take([0]))
    assert single.rows.tolist() == [[0]] or name in STATISTICAL  # a word that all items hold may weigh nothing
    try:
        empty = make(5).fit(items.take([]))(queries)
    except NearkinError:
        return  # an index that learns may refuse to learn from nothing
    assert (empty.rows < 0).all()


def test_inputs_are_not_changed(part):
    _, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    keep, rows = np.arange(N) % 2 == 0, np.array([1, 2])
    given = [vars(items), vars(queries)]
    before = [{name: np.copy(value) for name, value in each.items()} for each in given]
    index = make(5).fit(items)
    index(queries, keep=keep)
    index.add(items)
    index.remove(rows)
    index.score(queries, np.zeros((Q, 2), np.int32))
    for each, copy in zip(given, before):
        for name, value in copy.items():
            np.testing.assert_array_equal(each[name], value)
    assert keep.sum() == N // 2


def test_best_first_ties_by_row_no_id_twice(part):
    _, make = part
    items = table(make, N, 0)
    doubled = items.take(np.repeat(np.arange(20), 4))  # four equal rows each: all ties
    hits = make(30).fit(doubled)(table(make, Q, 1))
    falls = hits.scores[:, 1:] < hits.scores[:, :-1]
    assert (falls | (np.diff(hits.rows, axis=1) > 0) | (hits.rows[:, 1:] < 0)).all()
    for line in hits.rows:
        assert len(set(line[line >= 0])) == (line >= 0).sum()


def test_more_hits_begin_with_the_same(part):
    _, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    same(make(40).fit(items)(queries).top(7), make(7).fit(items)(queries))


def test_added_equals_fitted_on_all(part):
    _, make = part
    items, queries = table(make, N, 0, "i"), table(make, Q, 1)
    index = make(N).fit(items.take(np.arange(50)))
    before = index(queries)
    added = index.add(items.take(np.arange(50, N)))
    same(index(queries), before)  # the old index is as it was
    found = added(queries)
    assert found.items.id_list == items.things.id_list
    same(found, make(N).fit(items)(queries))


def test_removed_are_never_hits_and_the_rest_is_as_fitted(part):
    name, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    gone, left = np.arange(0, N, 3), np.setdiff1d(np.arange(N), np.arange(0, N, 3))
    index = make(N).fit(items)
    before = index(queries)
    found = index.remove(gone)(queries)
    same(index(queries), before)
    assert not np.isin(found.rows, gone).any()
    if name in STATISTICAL:
        fresh = make(N).fit(items.take(left))(queries)
        same_up_to_pads(found, mapped(fresh, left), fresh.scores)
    else:
        scores = index.score(queries, np.maximum(found.rows, 0))
        np.testing.assert_array_equal(found.scores[found.rows >= 0], scores[found.rows >= 0])
    assert not np.isin(index.remove(gone[:5]).remove(gone[5:])(queries).rows, gone).any()


@pytest.mark.parametrize("share", [0.9, 0.3, 0.05])
def test_keep_gives_k_whenever_k_exist(part, share):
    _, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    keep = np.random.default_rng(2).random(N) < share
    k = 6
    found = make(k).fit(items)(queries, keep=keep)
    assert keep[found.rows[found.rows >= 0]].all()
    every = make(N).fit(items)(queries)
    for line, scores, all_rows, all_scores in zip(found.rows, found.scores, every.rows, every.scores):
        wanted = (all_rows >= 0) & keep[all_rows]
        np.testing.assert_array_equal(line[line >= 0], all_rows[wanted][:k])
        np.testing.assert_array_equal(scores[line >= 0], all_scores[wanted][:k])


def test_keep_after_remove(part):
    _, make = part
    items, queries = table(make, N, 0), table(make, Q, 1)
    keep = np.zeros(N, bool)
    keep[[4, 5, 6]] = True
    found = make(5).fit(items).remove(np.array([5]))(queries, keep=keep)
    assert set(found.rows.ravel()) <= {-1, 4, 6}


def test_score_equals_search(part):
    _, make = part
    index, queries = make(20).fit(table(make, N, 0)), table(make, Q, 1)
    hits = index(queries)
    np.testing.assert_array_equal(index.score(queries, hits.rows), hits.scores)
    assert index.score(queries, hits.rows).dtype == np.float32
    assert index.score(queries, np.empty((Q, 0), np.int32)).shape == (Q, 0)


def test_wrong_dim_and_wrong_filter_are_refused(part):
    _, make = part
    index, queries = make(5).fit(table(make, N, 0)), table(make, Q, 1)
    if make(1).takes is Vectors:
        wrong = Vectors(np.zeros((1, DIM + 1), np.float32))
    elif make(1).takes is RaggedVectors:
        wrong = RaggedVectors(np.zeros((1, DIM + 1), np.float32), np.array([0, 1]))
    else:
        wrong = SparseVectors(np.array([0, 1]), np.array([0]), np.array([1.0]), DIM + 1)
    with pytest.raises(ShapeError):
        index(wrong)
    for keep in (np.ones(N - 1, bool), np.ones(N, int), [True] * N):
        with pytest.raises(ShapeError):
            index(queries, keep=keep)
    with pytest.raises(NearkinError):
        index.remove(np.array([N]))
    with pytest.raises(NearkinError):
        index.score(queries, np.full((Q, 1), N))
