"""Exact means exact: the scan with its bound never loses a hit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.flat_scan import encode
from nearkin.stage import Stage
from nearkin.tables import Catalog, Vectors


def naive(items: np.ndarray, queries: np.ndarray, k: int, keep: np.ndarray | None = None) -> list[list[int]]:
    """The k best rows of each query by plain loops over float64 products, equal float32 scores by row."""
    answer = []
    for query in queries.astype(float):
        scores = [(-np.float32((row.astype(float) * query).sum()), place) for place, row in enumerate(items)]
        answer.append([place for _, place in sorted(scores) if keep is None or keep[place]][:k])
    return answer


@given(
    count=st.integers(1, 60),
    dim=st.integers(1, 20),
    k=st.integers(1, 12),
    levels=st.integers(1, 40),
    scale=st.sampled_from([1e-6, 1, 1e6]),
    seed=st.integers(0, 9),
)
@settings(deadline=None)
def test_equals_a_plain_loop(count, dim, k, levels, scale, seed):
    """Small integers times a scale, so that many scores are equal and all are exact."""
    random = np.random.default_rng(seed)
    items = (random.integers(-levels, levels + 1, (count, dim)) * np.float32(scale)).astype(np.float32)
    queries = random.integers(-levels, levels + 1, (3, dim)).astype(np.float32)
    found = FlatIndex(k=k).fit(Vectors(items))(Vectors(queries))
    assert found.rows.tolist() == naive(items, queries, k)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_equals_a_plain_loop_on_close_calls(kind):
    """Rows so near to one another that 8 bits cannot tell them apart."""
    random = np.random.default_rng(0)
    items = (np.ones(24) + 1e-3 * random.normal(size=(700, 24))).astype(kind)
    queries = random.normal(size=(5, 24)).astype(np.float32)
    found = FlatIndex(k=9).fit(Vectors(items))(Vectors(queries))
    assert found.rows.tolist() == naive(items, queries, 9)
    keep = random.random(700) < 0.1
    assert FlatIndex(k=9).fit(Vectors(items))(Vectors(queries), keep=keep).rows.tolist() == naive(items, queries, 9, keep)


def test_more_equal_rows_than_there_is_room_for():
    items = Vectors(np.tile(np.float32([1, 2, 3]), (9000, 1)))
    found = FlatIndex(k=3).fit(items)(items.take([0, 1]))
    assert found.rows.tolist() == [[0, 1, 2]] * 2
    assert found.scores.tolist() == [[14, 14, 14]] * 2


def test_codes_keep_their_promise():
    rows = np.random.default_rng(0).normal(size=(50, 33)).astype(np.float32) * np.logspace(-20, 20, 50, dtype=np.float32)[:, None]
    codes, steps, slacks = np.empty(rows.shape, np.int8), np.empty(50, np.float32), np.empty(50, np.float32)
    encode(rows, codes, steps, slacks)
    rest = rows.astype(float) - codes * steps[:, None].astype(float)
    assert (np.linalg.norm(rest, axis=1) <= slacks).all()
    assert (slacks <= 0.01 * np.linalg.norm(rows.astype(float), axis=1)).all()


def test_wide_vectors_do_not_overflow():
    random = np.random.default_rng(0)
    items = np.sign(random.normal(size=(40, 6000))).astype(np.float32)
    found = FlatIndex(k=1).fit(Vectors(items))(Vectors(items[:7]))
    assert found.rows.ravel().tolist() == list(range(7))
    assert (found.scores == 6000).all()


def test_searches_a_memory_map(tmp_path):
    rows = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    queries = Vectors(rows[:4])
    np.testing.assert_array_equal(FlatIndex().fit(Vectors(mapped))(queries).rows, FlatIndex().fit(Vectors(rows))(queries).rows)


def test_loaded_index_maps_its_rows(tmp_path):
    index = FlatIndex().fit(Vectors(np.ones((5, 4), np.float16), Catalog.of(title=list("abcde"))))
    index.save(tmp_path / "flat")
    loaded = Stage.load(tmp_path / "flat")
    assert isinstance(loaded.items_.rows, np.memmap)
    assert loaded.items_.rows.dtype == np.float16
    assert loaded(Vectors(np.ones((1, 4), np.float32))).ids() == [["0", "1", "2", "3", "4"]]


def test_an_empty_index_scores_nothing():
    queries = Vectors(np.ones((2, 4), np.float32))
    index = FlatIndex().fit(queries.take([]))
    assert index.score(queries, np.full((2, 3), -1)).tolist() == [[-np.inf] * 3] * 2
    assert index.add(queries)(queries).rows.tolist() == [[0, 1]] * 2
