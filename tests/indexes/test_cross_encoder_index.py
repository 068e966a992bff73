"""CUR search against a planted scorer of low rank, where it must be exact, and against scoring everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.indexes.cross_encoder_index import CrossEncoderIndex
from nearkin.indexes.graph_index import GraphIndex
from nearkin.refiners.cut import Cut
from nearkin.refiners.edit_likeness import EditLikeness
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner, Stage, with_k
from nearkin.tables import Catalog, best

RANK, N = 4, 90


def things(count, seed, prefix):
    random = np.random.default_rng(seed)
    return Catalog.of([f"{prefix}{row}" for row in range(count)], **{f"n{dim}": random.normal(size=count) for dim in range(RANK)})


def numbers(catalog):
    return np.array([catalog[f"n{dim}"] for dim in range(RANK)], float).reshape(RANK, -1)


ITEMS, ANCHORS, QUERIES = things(N, 0, "i"), things(20, 1, "a"), things(12, 2, "q")
EXACT = (numbers(QUERIES).T @ numbers(ITEMS)).astype(np.float32)


@dataclass(eq=False)
class Planted(Refiner):
    """The product of four numbers a thing: a matrix of rank four. Counts what it is asked."""

    calls: int = 0
    bend: float = 0.0  # a part that is not of low rank

    def __call__(self, hits):
        self.calls += int((hits.rows >= 0).sum())
        left, right = numbers(hits.queries), numbers(hits.items)
        scores = left.T @ right
        scores = scores + self.bend * np.sin(40 * scores)
        return rescored(hits, np.take_along_axis(scores, np.maximum(hits.rows, 0), 1))


def made(scorer=None, **more):
    return CrossEncoderIndex(scorer=scorer or Planted(), **({"queries": ANCHORS, "k": 10, "budget": 24} | more))


@pytest.mark.parametrize("more", [{}, {"prefer": "cols"}, {"prefer": "cols", "rounds": 3}, {"queries": None}, {"inner": GraphIndex()}])
def test_a_scorer_of_low_rank_is_searched_exactly_within_the_budget(more):
    index = made(**more).fit(ITEMS)
    before = index.scorer.calls
    hits = index(QUERIES)
    np.testing.assert_array_equal(hits.rows, best(EXACT, 10, queries=None, items=None).rows)
    np.testing.assert_allclose(hits.scores, np.sort(EXACT, 1)[:, ::-1][:, :10], rtol=1e-5)
    assert index.scorer.calls - before == 24 * len(QUERIES)
    assert hits.items is ITEMS
    assert hits.queries is QUERIES


def test_fit_asks_for_the_anchor_queries_only_and_add_for_the_new_items_only():
    index = made().fit(ITEMS.take(np.arange(60)))
    assert index.scorer.calls == 20 * 60
    grown = index.add(ITEMS.take(np.arange(60, N)))
    assert index.scorer.calls == 20 * N
    assert len(index) == 60
    np.testing.assert_array_equal(grown(QUERIES).rows, made().fit(ITEMS)(QUERIES).rows)
    assert grown(QUERIES).items.id_list == ITEMS.id_list


def test_rows_and_columns_are_the_same_approximation():
    rows, cols = (made(Planted(bend=0.3), prefer=prefer).fit(ITEMS) for prefer in ("rows", "cols"))
    asked = rows.score(QUERIES, np.tile(rows.anchors_, (len(QUERIES), 1)))
    vectors = rows.inner_.items_.rows, cols.inner_.items_.rows
    np.testing.assert_allclose(asked @ vectors[0].T, (asked @ cols.weights_) @ vectors[1].T, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(rows.approximate(QUERIES), asked @ vectors[0].T, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(rows(QUERIES).rows, cols(QUERIES).rows)


def test_the_approximation_is_c_u_r():
    index = made(Planted(bend=0.3), rcond=0.1).fit(ITEMS)
    r = index.scores_.astype(float)
    c = index.score(QUERIES, np.tile(index.anchors_, (len(QUERIES), 1))).astype(float)
    np.testing.assert_allclose(index.approximate(QUERIES), c @ np.linalg.pinv(r[:, index.anchors_], rcond=0.1) @ r, rtol=1e-4, atol=1e-4)


def test_a_budget_of_all_items_is_exact_whatever_the_scorer():
    scorer = Planted(bend=3.0)
    index = made(scorer, budget=N, anchoring=0.2).fit(ITEMS)
    every = best(index.score(QUERIES, np.tile(np.arange(N), (len(QUERIES), 1))), 10, queries=None, items=None)
    np.testing.assert_array_equal(index(QUERIES).rows, every.rows)


@settings(max_examples=15, deadline=None)
@given(
    keep=st.lists(st.booleans(), min_size=N, max_size=N),
    gone=st.sets(st.integers(0, N - 1), max_size=60),
    k=st.integers(1, 40),
    rounds=st.integers(1, 3),
)
def test_filters_and_removals_narrow_the_answer_and_never_shorten_it(keep, gone, k, rounds):
    index = made(k=k, prefer="cols", rounds=rounds).fit(ITEMS)
    keep, gone = np.array(keep), np.array(sorted(gone), int)
    open_ = keep & ~np.isin(np.arange(N), gone)
    hits = index.remove(gone)(QUERIES, keep=keep)
    assert open_[hits.rows[hits.rows >= 0]].all()
    assert ((hits.rows >= 0).sum(1) == min(k, open_.sum())).all()
    wanted = best(np.where(open_, EXACT, -np.inf), min(k, 12), queries=None, items=None)
    np.testing.assert_allclose(hits.scores[:, :12], wanted.scores, rtol=1e-5)  # of low rank, so exact: 12 calls are left for the re-rank


def test_more_rounds_find_more_where_the_rank_is_not_low():
    scorer, found = Planted(bend=0.6), {}
    every = made(scorer, budget=N).fit(ITEMS)(QUERIES).rows
    for rounds in (1, 4):
        rows = [
            made(scorer, budget=40, anchoring=0.8, rounds=rounds, prefer="cols", seed=seed).fit(ITEMS)(QUERIES).rows for seed in range(8)
        ]
        found[rounds] = np.mean([np.isin(one, line).mean() for each in rows for one, line in zip(every, each)])
    assert found[4] > found[1]


def test_one_query_at_a_time_and_none_at_all():
    index = made(Planted(bend=0.3)).fit(ITEMS)
    whole = index(QUERIES)
    for row in range(len(QUERIES)):
        np.testing.assert_array_equal(index(QUERIES.take([row])).rows[0], whole.rows[row])
    assert len(index(QUERIES.take([]))) == 0
    assert with_k(index, 3)(QUERIES).k == 3


def test_scores_of_candidates_are_those_of_the_search():
    index = made().fit(ITEMS)
    hits = index(QUERIES)
    np.testing.assert_array_equal(index.score(QUERIES, hits.rows), hits.scores)
    assert (index.score(QUERIES, np.full((12, 2), -1)) == -np.inf).all()
    with pytest.raises(ShapeError):
        index.score(QUERIES, np.zeros((3, 2), int))


def test_equal_items_and_equal_anchors_do_not_break_the_inverse():
    doubled = Catalog.of([f"i{row}" for row in range(60)], **{f"n{dim}": [*ITEMS[f"n{dim}"][:15]] * 4 for dim in range(RANK)})
    twice = Catalog.of([f"a{row}" for row in range(6)], **{f"n{dim}": [*ANCHORS[f"n{dim}"][:3]] * 2 for dim in range(RANK)})
    index = made(queries=twice, budget=60, anchoring=0.8).fit(doubled)
    assert np.isfinite(index.weights_).all()
    assert np.abs(index.weights_).max() < 100
    scores = index(QUERIES).scores
    np.testing.assert_allclose(scores[:, :1], (numbers(QUERIES).T @ numbers(doubled)).max(1, keepdims=True), rtol=1e-5)


def test_the_spectrum_shows_the_rank():
    found = made().fit(ITEMS).spectrum()
    assert found[0] == 1
    assert found[RANK - 1] > 1e-2
    assert found[RANK] < 1e-5


def test_another_seed_draws_other_anchors_and_the_same_seed_the_same():
    first, again, other = (made(seed=seed).fit(ITEMS).anchors_ for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (np.diff(first) > 0).all()


def test_saved_equals_loaded(tmp_path):
    pytest.importorskip("rapidfuzz")
    titles = Catalog.of([f"i{row}" for row in range(40)], title=[f"{'abcdefgh'[row % 8] * 3} item {row * 7}" for row in range(40)])
    index = CrossEncoderIndex(scorer=EditLikeness(), queries=titles.take(np.arange(5)), k=4, budget=12).fit(titles).remove(np.array([3]))
    index.save(tmp_path / "index")
    loaded = Stage.load(tmp_path / "index")
    asked = Catalog.of(["q"], title=["bbb item 63"])
    np.testing.assert_array_equal(loaded(asked).rows, index(asked).rows)
    np.testing.assert_array_equal(loaded.add(asked)(asked).rows, index.add(asked)(asked).rows)
    assert 3 not in loaded(asked).rows


def test_wrong_use_is_refused():
    with pytest.raises(NotFitted):
        made()(QUERIES)
    with pytest.raises(BadInput, match="anchors of 90 items"):
        made(budget=200).fit(ITEMS)
    with pytest.raises(BadInput, match="cols"):
        made(rounds=2)
    with pytest.raises(BadInput, match="anchoring"):
        made(anchoring=0.0)
    with pytest.raises(BadInput, match="none; give some"):
        made(queries=ANCHORS.take([])).fit(ITEMS)
    with pytest.raises(ShapeError, match="Catalog"):
        made().fit(np.zeros((3, 3)))
    with pytest.raises(ShapeError):
        made().fit(ITEMS)(QUERIES, keep=np.ones(N - 1, bool))
    with pytest.raises(BadInput):
        made().fit(ITEMS).remove(np.array([N]))


def test_scorers_that_leave_out_or_give_no_number_are_refused():
    with pytest.raises(BadInput, match="use one that scores all"):
        made(Cut(least=1.0)).fit(ITEMS)
    broken = ITEMS.table.to_pylist()
    broken[4]["n0"] = float("nan")
    bad = Catalog.of([row["id"] for row in broken], **{f"n{dim}": [row[f"n{dim}"] for row in broken] for dim in range(RANK)})
    with pytest.raises(BadInput, match="gave back 1780"):
        made().fit(bad)
