"""Stacked bits in miniature: the claims, and that nothing that tests is learned from."""

from __future__ import annotations

import numpy as np

from nearkin.recipes import bebr
from nearkin.recipes.bebr_vectors import _split, stored
from nearkin.recipes.contract import contract_faults
from tests.recipes.miniature import miniature

WORLD, SETTINGS = bebr.world(), bebr.Settings.tiny()


def test_the_recipe_keeps_the_contract_and_its_claims_in_miniature():
    assert not contract_faults(bebr)
    proof = miniature("bebr").proof
    line = {(each.metric, each.rival): each for each in proof.lines}
    assert line["R@10", "one-shot hash"].ours > line["R@10", "one-shot hash"].rival_value
    assert line["R@10", "random planes"].ours > line["R@10", "random planes"].rival_value
    assert line["R@10, ours a point up", "floats"].difference > -0.05
    assert line["R@10 among old codes", "old network"].difference > 0
    assert line["R@10 among old codes", "unrelated network"].rival_value < 0.1
    times = proof.figures["bytes an item, milliseconds a query alone and in a batch, share of the exact ten"][0]
    assert times["bits, flat"][3] == times["floats, flat"][3] == 1
    assert times["bits, flat"][0] < times["floats, flat"][0] / 8
    assert times["bits, lists"][3] > 0.5


def test_build_answers_texts():
    hits = bebr.build(WORLD, SETTINGS)(WORLD.queries.take(range(500, 520)))
    assert hits.k == SETTINGS.k
    assert np.mean([f"item{row + 500}" in ids for row, ids in enumerate(hits.ids())]) > 0.5


def test_no_item_is_on_both_sides():
    own = np.random.default_rng(0).integers(0, 300, 500)
    held, learn, test = _split(own, 1000, 400)
    assert len(held) == 400
    assert set(own) <= set(held.tolist())
    assert not set(own[learn]) & set(own[test])
    assert not (learn & test).any()
    known = stored(WORLD, 0)
    assert not set(known.own[known.learn]) & set(known.own[known.test])
