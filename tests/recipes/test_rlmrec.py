"""RLMRec: profiles come from training links, controls are what they say, and the recipe runs in miniature."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin.recipes import rlmrec
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.graph_part import dense_part
from nearkin.tables import Links
from tests.recipes.miniature import miniature

WORLD = rlmrec.world()
SETTINGS = rlmrec.Settings.tiny()


def test_the_recipe_runs_in_miniature_and_profiles_help_there():
    assert not contract_faults(rlmrec)
    proof = miniature("rlmrec").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    assert lines["Recall@20", "shuffled profiles"].difference > 0
    assert lines["Recall@20", "popularity"].verdict == "holds"
    assert {line.rival for line in proof.lines} >= {"Gen", "SimGCL", "SimGCL with profiles", "random vectors", "profiles alone"}


def test_texts_do_not_change_with_what_was_held_out():
    split = WORLD.interactions.split("last")
    other = split.test.take(np.random.default_rng(0).permutation(len(split.test)))
    links = Links(
        split.train.left,
        split.train.right,
        *(np.concatenate([getattr(split.train, side), getattr(split.valid, side), getattr(rows, side)]) for side, rows in
          (("left_rows", split.test), ("right_rows", other))),
        time=np.concatenate([split.train.time, split.valid.time, split.test.time]),
    )  # fmt: skip
    order = np.lexsort((links.time, links.left_rows))
    spoilt = dense_part(rlmrec.replace(WORLD, interactions=links.take(order)), 0)
    honest = dense_part(WORLD, 0)
    assert (spoilt.test.right_rows != honest.test.right_rows).any()
    np.testing.assert_array_equal(rlmrec.texts_of(spoilt.train, "static"), rlmrec.texts_of(honest.train, "static"))


def test_the_control_deals_the_same_vectors_out_anew_on_each_side():
    texts = np.arange(20.0)[:, None]
    mixed = rlmrec.shuffled(texts, 12, 0)
    assert sorted(mixed[:12, 0]) == list(range(12))
    assert sorted(mixed[12:, 0]) == list(range(12, 20))
    assert (mixed != texts).any()


def test_the_dense_part_is_chosen_by_training_links_alone():
    part = dense_part(WORLD, 3)
    assert np.bincount(part.train.left_rows, minlength=len(part.train.left)).min() >= 3
    assert np.bincount(part.train.right_rows, minlength=len(part.train.right)).min() >= 3
    whole = WORLD.interactions.split("last")
    assert set(part.train.pairs()) <= set(whole.train.pairs())
    assert set(part.test.pairs()) <= set(whole.test.pairs())
    inside = {
        (user, item) for user, item in whole.test.pairs() if user in set(part.train.left.id_list) and item in set(part.train.right.id_list)
    }
    assert set(part.test.pairs()) == inside
    assert part.asked.id_list == [user for user, _ in part.test.pairs()]


def test_the_start_from_profiles_keeps_their_inner_products():
    texts = rlmrec.unit(np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32))
    np.testing.assert_allclose(rlmrec.axes(texts, 8) @ rlmrec.axes(texts, 8).T, texts @ texts.T, atol=1e-5)
