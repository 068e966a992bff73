"""The walk over the graph finds nearly all, and falls back on the exact search where it must."""

import numpy as np
import pytest

from nearkin.errors import BadInput
from nearkin.indexes.flat_index import FlatIndex
from nearkin.stage import Stage
from nearkin.tables import Vectors, unit

pytest.importorskip("faiss")
from nearkin.indexes.graph_index import GraphIndex

N, DIM, K = 3000, 16, 10


def vectors(count: int, seed: int) -> Vectors:
    return Vectors(unit(np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)))


@pytest.fixture(scope="module")
def walk() -> GraphIndex:
    """An index that is never exact by being small."""
    return GraphIndex(k=K, scan_below=0).fit(vectors(N, 0))


def recall(found, exact) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.rows.tolist(), exact.rows.tolist())]))


def test_walk_finds_nearly_all_with_exact_scores(walk):
    queries, exact = vectors(200, 1), FlatIndex(k=K).fit(vectors(N, 0))
    found = walk(queries)
    assert recall(found, exact(queries)) >= 0.95
    np.testing.assert_array_equal(found.scores, exact.score(queries, found.rows))


def test_a_wider_window_finds_more(walk):
    queries, exact = vectors(200, 1), FlatIndex(k=K).fit(vectors(N, 0))(vectors(200, 1))
    narrow = GraphIndex(k=K, scan_below=0, window=10).fit(vectors(N, 0))
    assert recall(narrow(queries), exact) < recall(walk(queries), exact)


@pytest.mark.parametrize("share", [0.5, 0.15, 0.02, 0.001])
def test_filters_find_k_whenever_k_exist(walk, share):
    queries, keep = vectors(50, 1), np.random.default_rng(3).random(N) < share
    keep[:K] = True
    found, exact = walk(queries, keep=keep), FlatIndex(k=K).fit(vectors(N, 0))(queries, keep=keep)
    assert (found.rows >= 0).all()
    assert keep[found.rows].all()
    assert recall(found, exact) >= 0.9


def test_added_are_found_and_removed_are_not(walk):
    queries, more = vectors(50, 1), vectors(100, 2)
    grown = walk.add(more)
    assert (grown(more).rows[:, 0] == N + np.arange(100)).mean() >= 0.98
    best_of_each = grown(queries).rows[:, 0]
    fewer = grown.remove(best_of_each)
    assert not np.isin(fewer(queries).rows, best_of_each).any()
    assert len(walk) == N


def test_saved_walks_the_same_way_and_grows_the_same(walk, tmp_path):
    queries, more = vectors(50, 1), vectors(100, 2)
    removed = walk.remove(np.arange(40))
    removed.save(tmp_path / "graph")
    loaded = Stage.load(tmp_path / "graph")
    for left, right in ((removed, loaded), (removed.add(more), loaded.add(more))):
        np.testing.assert_array_equal(left(queries).rows, right(queries).rows)
        np.testing.assert_array_equal(left(queries).scores, right(queries).scores)


def test_same_seed_same_graph(walk):
    queries, again = vectors(50, 1), GraphIndex(k=K, scan_below=0).fit(vectors(N, 0))
    np.testing.assert_array_equal(walk(queries).rows, again(queries).rows)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(BadInput, match="links"):
        GraphIndex(links=0)
