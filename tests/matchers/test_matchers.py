"""Matchers against naive oracles, and the properties of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from nearkin.errors import BadInput
from nearkin.matchers.best_first import BestFirst, best_first
from nearkin.matchers.candidates import Candidates, edges
from nearkin.matchers.decoy_cut import cut, falling_fit, raised
from nearkin.matchers.mutual_best import MutualBest
from nearkin.matchers.one_to_one import OneToOne, assign
from nearkin.tables import Catalog, best


def hits_of(scores):
    """Every score as a hit, between two catalogues named by row."""
    left, right = (Catalog.of([f"{side}{row}" for row in range(size)]) for side, size in zip("lr", scores.shape))
    return best(scores, scores.shape[1], queries=left, items=right)


def dense_sum(scores, reject, copies):
    """The best sum over reject, by the dense solver with copies as columns and dummies worth nothing."""
    gain = np.tile(scores - reject, (1, copies))
    padded = np.hstack([gain, np.zeros((len(scores), len(scores)))])
    rows, columns = linear_sum_assignment(padded, maximize=True)
    return padded[rows, columns].sum()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.floats(-0.5, 0.8), st.integers(0, 10_000))
def test_assignment_reaches_the_sum_of_the_dense_solver(left, right, copies, reject, seed):
    scores = np.random.default_rng(seed).random((left, right)).astype(np.float32)
    links = OneToOne(reject=reject, copies=copies)(hits_of(scores))
    assert (links.weight.astype(float) - reject).sum() == pytest.approx(dense_sum(scores.astype(float), reject, copies), abs=1e-4)
    assert np.bincount(links.left_rows, minlength=1).max(initial=0) <= 1
    assert np.bincount(links.right_rows, minlength=1).max(initial=0) <= copies


def test_assignment_over_a_sparse_graph_leaves_out_what_has_no_edge():
    pairs = Candidates(left_rows=np.array([0, 1, 1, 2]), right_rows=np.array([0, 0, 1, 0]), left_count=3, right_count=2)
    assert assign(pairs, np.array([0.9, 1.0, 0.8, 0.1])).tolist() == [True, False, True, False]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))
def test_greedy_is_at_least_half_of_the_best_and_mutual_best_is_part_of_it(left, right, seed):
    hits = hits_of(np.random.default_rng(seed).random((left, right)).astype(np.float32))
    greedy, whole = BestFirst()(hits), OneToOne()(hits)
    assert 0.5 * whole.weight.sum() - 1e-5 <= greedy.weight.sum() <= whole.weight.sum() + 1e-5
    assert set(MutualBest()(hits).pairs()) <= set(greedy.pairs())


def test_greedy_takes_the_best_pair_first_where_assignment_takes_the_best_sum():
    scores = np.array([[1.0, 0.9], [0.9, 0.1]], np.float32)
    assert sorted(BestFirst()(hits_of(scores)).pairs()) == [("l0", "r0"), ("l1", "r1")]
    assert sorted(OneToOne()(hits_of(scores)).pairs()) == [("l0", "r1"), ("l1", "r0")]


def test_a_wrong_setting_is_refused():
    with pytest.raises(BadInput, match="copies >= 1"):
        OneToOne(copies=0)


def test_the_falling_fit_is_the_nearest_falling_sequence():
    assert falling_fit(np.array([1.0, 0.0, 0.5, 0.25, 1.0])).tolist() == pytest.approx([1.0, 0.4375, 0.4375, 0.4375, 0.4375])
    assert len(falling_fit(np.zeros(0))) == 0


def test_the_cut_falls_between_right_and_wrong_links():
    random = np.random.default_rng(0)
    wrong = np.sort(random.normal(0.1, 0.1, (500, 40)), axis=1)[:, -3:]
    right = random.normal(0.9, 0.05, 300)
    found = cut(np.r_[right, wrong[300:, 2]], np.r_[wrong[:300, 2], wrong[300:, 1]], np.r_[wrong[:300, 1], wrong[300:, 0]], 500, 500)
    assert 0.4 < found.threshold < 0.85
    assert found.precision > 0.97
    assert found.matches == pytest.approx(300, rel=0.2)


def test_where_nothing_matches_first_choices_are_explained_by_raised_second_choices():
    best_of_many = np.sort(np.random.default_rng(1).exponential(size=(2000, 50)), axis=1)
    first, second, third = best_of_many[:, -1], best_of_many[:, -2], best_of_many[:, -3]
    plain, lifted = raised(second, third, 0), raised(second, third, 2)
    assert abs(np.median(lifted) - np.median(first)) < 0.2 * abs(np.median(plain) - np.median(first))
    assert cut(first, second, third, 2000, 2000).matches < 0.1 * len(first)


def test_equal_scores_are_taken_by_rising_rows():
    pairs, scores = edges(hits_of(np.ones((3, 3), np.float32)))
    chosen = best_first(pairs, scores)
    assert pairs.take(chosen).left_rows.tolist() == pairs.take(chosen).right_rows.tolist() == [0, 1, 2]
