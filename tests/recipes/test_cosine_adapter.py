"""The adapter's claim in miniature: wide and narrow questions, one threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nearkin.metrics.filtering import grades
from nearkin.recipes import cosine_adapter
from nearkin.recipes.contract import contract_faults
from nearkin.tables import best
from tests.recipes.miniature import miniature

WORLD = cosine_adapter.world()
SETTINGS = cosine_adapter.Settings.tiny()


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(cosine_adapter)
    proof = miniature("cosine-adapter").proof
    assert proof.verdict == "holds"
    assert {line.rival for line in proof.lines} == {
        "raw cosine",
        "Platt",
        "fixed k",
        "z-score",
        "largest gap",
        "truncation model",
        "query alone",
    }
    assert all(proof.figures["nDCG@10 and AP the same to the last digit"])
    for lines in proof.figures[cosine_adapter.EMPTY]:
        assert all(ours >= raw for _, ours, raw, *_ in lines)
    for before, after in proof.figures["recall on 1-bit vectors: threshold for the floats, fitted again"]:
        assert abs(after - 0.95) <= abs(before - 0.95)


def test_the_pipeline_cuts_better_than_a_cut_on_the_cosine():
    data = replace(WORLD, train_truth=WORLD.truth)
    stages = {"ours": cosine_adapter.build(data, SETTINGS), **cosine_adapter.rivals(data, SETTINGS)}
    shown = {}
    for name, stage in stages.items():
        hits = stage(WORLD.queries)
        right = grades(hits, WORLD.truth) > 0
        assert right.sum() > 0.85 * len(WORLD.truth)
        shown[name] = right.sum() / (hits.rows >= 0).sum()
    assert shown["ours"] > 1.1 * max(shown["raw cosine"], shown["Platt"])


def test_gaps_and_truncation_cut_each_list_at_one_place():
    random = np.random.default_rng(0)
    hits = best(random.random((40, 12)).astype(np.float32), 12, queries=None, items=None)
    scores = hits.scores.astype(float)
    for query in range(40):
        falls = [scores[query, place] - scores[query, place + 1] for place in range(11)]
        for least in (1, 4):
            place = max(range(least - 1, 11), key=lambda place: falls[place])
            assert cosine_adapter.gap_ranks(hits, least)[query].sum() == place + 1
    cut = cosine_adapter.truncation(hits, random.random((40, 12)) < scores, 0)
    assert (np.diff(cut, axis=1) <= 0).all()
    assert (np.diff(cosine_adapter.plain(hits)["largest gap"], axis=1) <= 0).all()
