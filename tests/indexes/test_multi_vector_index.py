"""Search of bags of vectors: candidates by encodings, exact scores, and exact search where that is less work."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.errors import BadInput
from nearkin.indexes import multi_vector_index
from nearkin.indexes.ball_carving import carved
from nearkin.indexes.chamfer_index import ChamferIndex
from nearkin.indexes.coded_index import CodedIndex
from nearkin.indexes.multi_vector_index import MultiVectorIndex
from nearkin.indexes.single_vector_heuristic import SingleVectorHeuristic
from nearkin.projections.fde import Fde
from nearkin.stage import Stage
from nearkin.tables import Catalog, RaggedVectors, unit

N, DIM = 400, 24


def bags(count: int, seed: int, *, longest: int = 9, shortest: int = 1) -> RaggedVectors:
    """Things around topics: their vectors are near a few directions."""
    random, topics = np.random.default_rng(seed), unit(np.random.default_rng(5).normal(size=(60, DIM)))
    lengths = random.integers(shortest, longest, count)
    rows = topics[random.integers(0, 60, lengths.sum())] + 0.1 * random.normal(size=(lengths.sum(), DIM))
    return RaggedVectors(unit(rows), np.concatenate([[0], np.cumsum(lengths)]), Catalog.of([f"{seed}-{row}" for row in range(count)]))


ITEMS, QUERIES = bags(N, 0), bags(20, 1)
ENCODING = Fde(repetitions=10, k_sim=3, d_proj=12)


@pytest.fixture
def by_encodings(monkeypatch):
    """As if encoding a query cost nothing, so that small collections too are searched by encodings."""
    monkeypatch.setattr(multi_vector_index, "SET_OUT", -(10**9))


def test_candidates_by_encodings_hold_the_exact_neighbours(by_encodings):
    exact = ChamferIndex(k=10).fit(ITEMS)(QUERIES)
    recalls = []
    for rerank in (10, 40, 160, N):
        found = MultiVectorIndex(encoding=ENCODING, rerank=rerank).fit(ITEMS)(QUERIES)
        recalls.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.rows, exact.rows)]))
    assert recalls[0] < recalls[1] <= recalls[2] <= recalls[3] == 1
    assert recalls[2] > 0.9


def test_small_collections_are_searched_exactly():
    exact = ChamferIndex(k=10).fit(ITEMS)(QUERIES)
    found = MultiVectorIndex(encoding=ENCODING, rerank=10).fit(ITEMS)(QUERIES)
    np.testing.assert_array_equal(found.rows, exact.rows)
    np.testing.assert_array_equal(found.scores, exact.scores)


def test_exact_where_it_is_less_work_query_by_query(monkeypatch):
    index = MultiVectorIndex(encoding=ENCODING, rerank=10).fit(ITEMS)
    live = np.zeros(N, bool)
    monkeypatch.setattr(multi_vector_index, "SET_OUT", 0)
    whole = index._less_work(np.array([0, 1, 1000]), live)
    assert whole.tolist() == [True, True, False]
    assert index._less_work(np.array([1000]), np.arange(N) >= 10).all()  # no more items than candidates


def test_queries_of_both_ways_stand_in_their_places(monkeypatch):
    monkeypatch.setattr(multi_vector_index, "SET_OUT", 0)
    long, short = bags(3, 7, shortest=500, longest=501), bags(3, 8, shortest=1, longest=2)
    rows = np.concatenate([long.rows, short.rows, long.rows])
    mixed = RaggedVectors(rows, np.concatenate([long.offsets, long.offsets[-1] + short.offsets[1:], 1503 + long.offsets[1:]]))
    index = MultiVectorIndex(encoding=ENCODING, rerank=30).fit(ITEMS)
    together = index(mixed)
    for row in range(9):
        np.testing.assert_array_equal(index(mixed.take([row])).rows[0], together.rows[row])


def test_add_remove_and_keep_in_a_row_equal_an_exact_scan(by_encodings):
    more, random = bags(50, 2), np.random.default_rng(0)
    index = MultiVectorIndex(encoding=ENCODING, rerank=N + 50).fit(ITEMS).remove(np.arange(0, N, 3)).add(more).remove(np.array([N + 1]))
    exact = ChamferIndex().fit(ITEMS).add(more).remove(np.concatenate([np.arange(0, N, 3), [N + 1]]))
    keep = random.random(N + 50) < 0.4
    np.testing.assert_array_equal(index(QUERIES, keep=keep).rows, exact(QUERIES, keep=keep).rows)
    np.testing.assert_array_equal(index(QUERIES).scores, exact(QUERIES).scores)
    assert index(QUERIES).items.id_list[-1] == "2-49"


def test_saved_and_read_back_as_a_memory_map(by_encodings, tmp_path):
    index = MultiVectorIndex(encoding=ENCODING, rerank=30, tau=0.8).fit(ITEMS).remove(np.array([3]))
    index.save(tmp_path / "index")
    again = Stage.load(tmp_path / "index")
    assert isinstance(again.exact_.items_.rows, np.memmap)
    np.testing.assert_array_equal(again(QUERIES).rows, index(QUERIES).rows)
    np.testing.assert_array_equal(again(QUERIES).scores, index(QUERIES).scores)


def test_items_and_queries_without_vectors(by_encodings):
    some = ITEMS.take([0, 1, 2])
    holes = RaggedVectors(some.rows, np.array([0, 0, *some.offsets[1:], some.offsets[-1]]))
    hits = MultiVectorIndex(encoding=ENCODING).fit(holes)(QUERIES)
    assert set(hits.rows.ravel()) == {-1, 1, 2, 3}
    nothing = RaggedVectors(np.zeros((0, DIM), np.float32), np.array([0, 0]))
    assert (MultiVectorIndex(encoding=ENCODING).fit(ITEMS)(nothing).scores == 0).all()


def test_codes_take_the_place_of_encodings(by_encodings):
    fde = Fde(repetitions=10, k_sim=3, d_proj=12).fit(ITEMS)
    codec = ProductQuantiser(levels=fde.dim // 8, codebook_size=64).fit(fde(ITEMS))
    exact = ChamferIndex().fit(ITEMS)(QUERIES)
    found = MultiVectorIndex(encoding=fde, candidates=CodedIndex(codec=codec), rerank=160).fit(ITEMS)(QUERIES)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.rows, exact.rows)]) > 0.85


def test_the_heuristic_finds_owners_of_near_vectors_and_never_fewer_than_k():
    heuristic = SingleVectorHeuristic(each=3).fit(ITEMS)
    owners = np.repeat(np.arange(N), np.diff(ITEMS.offsets))
    for query, found in enumerate(heuristic.candidates(QUERIES)):
        near = np.argsort(-(QUERIES.of(query) @ ITEMS.rows.T), axis=1)[:, :3]
        assert set(found) == set(owners[near].ravel())
    assert (heuristic(QUERIES.take([0, 1])).rows >= 0).all()
    with pytest.raises(BadInput, match="each"):
        SingleVectorHeuristic(each=0)
    with pytest.raises(BadInput, match="rerank"):
        MultiVectorIndex(encoding=ENCODING, rerank=0)


def test_carving_sums_vectors_alike_and_never_raises_a_score():
    rows = unit(np.array([[1, 0, 0], [0, 1, 0], [0.9, 0.1, 0], [0.1, 0.9, 0.1], [0, 0, 1]], np.float32))
    found = carved(RaggedVectors(rows, np.array([0, 5, 5])), 0.7)
    assert found.offsets.tolist() == [0, 3, 3]
    np.testing.assert_allclose(found.rows, [rows[0] + rows[2], rows[1] + rows[3], rows[4]])
    everything = np.broadcast_to(np.arange(N), (len(QUERIES), N))
    index = ChamferIndex().fit(ITEMS)
    assert (index.score(carved(QUERIES, 0.5), everything) <= index.score(QUERIES, everything) + 1e-5).all()
    np.testing.assert_allclose(index.score(carved(QUERIES, 1.1), everything), index.score(QUERIES, everything), rtol=1e-5)
