"""Encodings of bags of vectors in miniature, and how candidates are counted."""

from __future__ import annotations

import numpy as np

from nearkin.recipes import muvera
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.muvera_ranks import Reached, needed, ranks_of, ratio, reached
from tests.recipes.miniature import miniature


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(muvera)
    proof = miniature("muvera").proof
    assert proof.verdict == "holds"
    assert [claims for claims in proof.figures["claims"] if not all(claims.values())] == []
    first = next(line for line in proof.lines if line.rival == "single-vector heuristic")
    assert first.low > 0


def test_build_and_rivals_answer_from_the_same_vectors():
    world, settings = muvera.world(), muvera.Settings.tiny()
    ours, others = muvera.build(world, settings), muvera.rivals(world, settings)
    queries = world.queries.take(np.arange(30))
    exact = others["exact Chamfer"](queries)
    np.testing.assert_array_equal(ours(queries).rows[:, 0], exact.rows[:, 0])
    assert (others["single-vector heuristic"](queries).rows[:, 0] == exact.rows[:, 0]).mean() > 0.9


def test_ranks_and_candidates_needed():
    asked, rows = np.array([[1.0]]), np.array([[0.1], [0.9], [0.5], [0.7]])
    ranks = ranks_of(asked, rows, np.array([[1, 2, 0]]))
    assert ranks.tolist() == [[0, 2, 3]]
    assert [needed(ranks, share) for share in (1 / 3, 0.5, 2 / 3, 1.0)] == [1, 3, 3, 4]
    assert needed(ranks, 1.0) == 4


def test_what_the_heuristic_reaches_with_more_vectors():
    owners = np.array([[5, 7, 5], [7, 2, 9], [1, 1, 3]])  # two vectors of the first query, one of the second
    found = reached(owners, np.array([0, 2, 3]), np.array([[7, 9], [3, 8]]))
    assert found.first.tolist() == [[0, 2], [2, 3]]
    assert found.counts.tolist() == [[2, 3, 4], [1, 1, 2]]
    assert found.needed(0.25) == (1, 1.5)
    assert found.needed(0.75) == (3, 3.0)
    assert found.with_candidates(2) == 2
    assert found.with_candidates(99) == 3


def test_the_interval_of_a_ratio_holds_the_ratio():
    random = np.random.default_rng(0)
    ranks, rival = (
        random.integers(0, 20, (50, 5)),
        Reached(first=random.integers(0, 10, (50, 5)), counts=np.tile(np.arange(10, 110, 10), (50, 1))),
    )
    low, high = ratio(ranks, rival, 0.8, 0)
    assert low <= rival.needed(0.8)[1] / needed(ranks, 0.8) <= high
