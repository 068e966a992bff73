"""The graph over packed codes: what it finds against an exact scan, and that nothing is lost by filters, removals and additions."""

from copy import copy

import numpy as np
import pytest

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes import lean_index
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.lean_index import LeanIndex
from nearkin.indexes.tuning import cheapest, exact_best, share_found
from nearkin.kernels.lean_search import search
from nearkin.projections.lean_vec import LeanVec
from nearkin.projections.lean_vec_ood import LeanVecOod
from nearkin.projections.pca import Pca
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Vectors, unit

N, DIM = 6_000, 48


def vectors(count: int, seed: int) -> np.ndarray:
    """Unit rows around 60 centres, in directions of falling weight: near neighbours exist, and some dims matter more."""
    random, shared = np.random.default_rng(seed), np.random.default_rng(99)
    centres, weights = shared.normal(size=(60, DIM)), 1 / np.sqrt(1 + np.arange(DIM))
    rows = centres[random.integers(0, 60, count)] + 0.7 * random.normal(size=(count, DIM))
    return unit((rows * weights).astype(np.float32))


ITEMS, QUERIES = vectors(N, 0), Vectors(vectors(150, 1))


@pytest.fixture(scope="module")
def index():
    return LeanIndex(dim=32, scan_below=1000, recall=0.97).fit(Vectors(ITEMS, Catalog.of([f"i{row}" for row in range(N)])))


def found_share(hits, keep=None, items=ITEMS, k=10) -> float:
    wanted = FlatIndex(k=k).fit(Vectors(items))(QUERIES, keep=keep)
    pairs = [(left[left >= 0], right[right >= 0]) for left, right in zip(hits.rows, wanted.rows)]
    return float(np.mean([len(np.intersect1d(left, right)) / max(len(right), 1) for left, right in pairs]))


def test_it_finds_what_an_exact_scan_finds(index):
    hits = index(QUERIES)
    assert found_share(hits) >= 0.95
    exact = np.take_along_axis(QUERIES.rows @ ITEMS.T, hits.rows, 1)
    np.testing.assert_allclose(hits.scores, exact, atol=2e-3)
    assert (np.diff(hits.scores, axis=1) <= 0).all()
    assert hits.items.id_list[:2] == ["i0", "i1"]


def test_it_is_small(index):
    wide = LeanIndex(dim=240, scan_below=0, window=10, rerank=10).fit(Vectors(np.tile(ITEMS[:500], (1, 8))))
    assert wide.size_bytes / 500 <= 128 + 128 + 336 + 9


def test_one_by_one_is_all_at_once_up_to_the_last_digits(index):
    whole = index(QUERIES)
    for row in range(0, 150, 10):
        single = index(QUERIES.take([row]))
        np.testing.assert_allclose(single.scores[0], whole.scores[row], atol=1e-5)
        assert len(set(single.rows[0]) ^ set(whole.rows[row])) <= 2


def test_score_is_that_of_a_search(index):
    hits = index(QUERIES)
    candidates = hits.rows.copy()
    candidates[:, -1] = -1
    scores = index.score(QUERIES, candidates)
    np.testing.assert_allclose(scores[:, :-1], hits.scores[:, :-1], atol=1e-5)
    assert np.isneginf(scores[:, -1]).all()


@pytest.mark.parametrize("share", [0.7, 0.25, 0.1, 0.004])
def test_filters_give_k_and_the_right_ones(index, share):
    keep = np.random.default_rng(3).random(N) < share
    hits = index(QUERIES, keep=keep)
    assert (hits.rows >= 0).sum(1).tolist() == [min(10, keep.sum())] * 150
    assert keep[hits.rows].all()
    assert found_share(hits, keep) >= 0.95


def test_a_filter_against_the_query_still_gives_k(index):
    """Only the items least like the query are kept, and enough of them that the walk is tried first."""
    query = QUERIES.take([0])
    keep = np.zeros(N, bool)
    keep[np.argsort(ITEMS @ query.rows[0])[: N // 3]] = True
    assert (index(query, keep=keep).rows >= 0).all()


def test_removed_are_gone_and_added_are_found(index):
    gone = np.arange(0, N, 3)
    more = vectors(900, 5)
    other = index.remove(gone).add(Vectors(more, Catalog.of([f"m{row}" for row in range(900)])))
    hits = other(QUERIES)
    keep = np.ones(N + 900, bool)
    keep[gone] = False
    assert keep[hits.rows].all()
    assert found_share(hits, keep, np.concatenate([ITEMS, more])) >= 0.93
    own = other(Vectors(more[::9]))
    assert np.mean(own.rows[:, 0] == N + np.arange(0, 900, 9)) >= 0.97
    assert len(index) == N
    assert index(QUERIES).rows.max() < N  # the old index is as it was
    assert other(QUERIES).items.id_list[-1] == "m899"


def test_few_items_are_exact_until_there_are_many():
    few = LeanIndex(dim=32, scan_below=1000).fit(Vectors(ITEMS[:600]))
    assert found_share(few(QUERIES), items=ITEMS[:600]) == 1
    many = few.remove(np.array([5])).add(Vectors(ITEMS[600:3000]))
    assert many.graph_ is not None
    assert not (many(QUERIES).rows == 5).any()
    assert found_share(many(QUERIES), np.arange(3000) != 5, ITEMS[:3000]) >= 0.93


def test_saved_equals_loaded(index, tmp_path):
    index.remove(np.array([1])).save(tmp_path / "index")
    loaded = Stage.load(tmp_path / "index")
    np.testing.assert_array_equal(loaded(QUERIES).rows, index.remove(np.array([1]))(QUERIES).rows)
    assert loaded.graph_.packed.base is not None  # still the memory of the file
    assert len(loaded.add(Vectors(ITEMS[:3], Catalog.of(["a", "b", "c"])))) == N + 3


def test_maps_are_searched_by_the_loop_that_is_compiled(index, tmp_path):
    index.save(tmp_path / "index")
    hits, compiled = index(QUERIES), len(search.signatures)
    np.testing.assert_array_equal(Stage.load(tmp_path / "index")(QUERIES).rows, hits.rows)
    assert len(search.signatures) == compiled > 0


def test_the_same_seed_gives_the_same_graph(index):
    again = LeanIndex(dim=32, scan_below=1000, recall=0.97).fit(Vectors(ITEMS))
    np.testing.assert_array_equal(again.graph_.links, index.graph_.links)
    assert again.settings_ == index.settings_


def test_every_row_is_linked_to(index):
    assert set(range(N)) == set(index.graph_.links[index.graph_.links >= 0].tolist())


def test_more_recall_costs_a_wider_window(index):
    asked = Vectors(vectors(300, 8))
    narrow, wide = (LeanIndex(dim=32, scan_below=1000, recall=recall).fit(Vectors(ITEMS), asked).settings_ for recall in (0.5, 0.999))
    assert narrow[0] <= index.settings_[0] <= wide[0]
    assert narrow[0] < wide[0]
    assert with_k(index, 40)(QUERIES).rows.shape == (150, 40)
    assert found_share(with_k(index, 40)(QUERIES), k=40) >= 0.9


def test_a_projection_for_queries_unlike_items_is_walked_by_both_sides():
    random = np.random.default_rng(0)
    turned = (QUERIES.rows * np.linspace(3, 0.1, DIM)).astype(np.float32)
    queries = Vectors(unit(turned + 0.05 * random.normal(size=turned.shape).astype(np.float32)))
    sides = LeanVecOod(dim=16).fit(Vectors(ITEMS), queries)
    wanted = exact_best(ITEMS, queries.rows, 10)
    shares = {}
    for name, projection in {"ood": sides, "id": LeanVec(dim=16).fit(Vectors(ITEMS))}.items():
        index = LeanIndex(dim=16, scan_below=0, window=120, rerank=20, projection=projection).fit(Vectors(ITEMS))
        shares[name] = share_found(index(queries).rows, wanted)
    assert shares["ood"] >= shares["id"] - 0.01
    assert shares["ood"] > 0.8


def test_bad_settings_and_input_are_refused(index):
    for wrong in ({"recall": 0.0}, {"recall": 1.2}, {"dim": 0}, {"links": 1}, {"window": -1}):
        with pytest.raises(BadInput, match="expected"):
            LeanIndex(**wrong)
    with pytest.raises(ShapeError):
        index(Vectors(np.zeros((1, DIM + 1), np.float32)))
    moved = Pca(dim=8).fit(Vectors(ITEMS + 1))
    with pytest.raises(BadInput, match="linear"):
        LeanIndex(scan_below=0, projection=moved).fit(Vectors(ITEMS))


def test_zero_rows_and_a_zero_query_are_answered():
    rows = ITEMS[:2000].copy()
    rows[7] = 0
    index = LeanIndex(dim=32, scan_below=0).fit(Vectors(rows))
    hits = index(Vectors(np.zeros((1, DIM), np.float32)))
    assert (hits.rows >= 0).all()
    np.testing.assert_allclose(hits.scores, 0, atol=1e-6)


def test_bisection_finds_the_first_that_reaches():
    assert cheapest([1, 2, 3, 4, 5], lambda each: each / 5, 0.6) == 3
    assert cheapest([1, 2, 3], lambda each: 0.0, 0.6) == 3
    assert cheapest([1], lambda each: 0.0, 0.6) == 1


def test_fresh_items_are_scanned_and_later_inserted(index, monkeypatch):
    monkeypatch.setattr(lean_index, "MOST_FRESH", 300)
    more, bare = vectors(400, 11), copy(index)
    bare.things_ = None
    held = bare.add(Vectors(more[:200])).remove(np.array([3, 7, N + 5]))
    assert held.fresh_ is not None
    everything, alive = np.concatenate([ITEMS, more[:200]]), ~np.isin(np.arange(N + 200), [3, 7, N + 5])
    assert found_share(held(QUERIES), alive, everything) >= 0.95
    own = held(Vectors(more[:200]))
    assert np.mean(own.rows[:, 0] == N + np.arange(200)) >= 0.99
    assert not np.isin(own.rows, [3, 7, N + 5]).any()
    np.testing.assert_allclose(held.score(QUERIES, held(QUERIES).rows), held(QUERIES).scores, atol=1e-5)
    some = np.random.default_rng(0).random(N + 200) < 0.1
    assert found_share(held(QUERIES, keep=some), alive & some, everything) >= 0.95
    grown = held.add(Vectors(more[200:]))
    assert grown.fresh_ is None
    assert not np.isin(grown(QUERIES).rows, [3, 7, N + 5]).any()
    assert found_share(grown(QUERIES), np.append(alive, np.ones(200, bool)), np.concatenate([ITEMS, more])) >= 0.93
    assert len(held(QUERIES).rows) == len(QUERIES)  # as it was
