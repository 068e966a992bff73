"""CUR search in miniature, and the recipe's parts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.recipes import anncur
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.reproduction import reproduce

pytest.importorskip("rapidfuzz")
SETTINGS = anncur.Settings.tiny()


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEARKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_the_recipe_keeps_the_contract_and_beats_dense_retrieval_in_miniature():
    assert not contract_faults(anncur)
    proof = reproduce("anncur", tiny=True, seeds=(0,))
    found = {(line.metric, line.rival): line for line in proof.lines}
    assert {rival for _, rival in found} >= {"dense + rerank", "BM25 + rerank", "item-item anchors", "distilled + rerank"}
    assert found["Recall@50", "dense + rerank"].difference > 0
    assert set(proof.figures["recall by budget"][0]) == {20, 40}


def test_queries_anchor_queries_and_items_share_nothing():
    task = anncur.task_of(anncur.world(), SETTINGS)
    parts = [set(part.id_list) for part in (task.asked, task.anchors, task.items)]
    assert [len(part) for part in parts[:2]] == [20, 40]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]


def test_build_and_rivals_answer_with_the_scores_of_the_scorer():
    data = anncur.world()
    task = anncur.task_of(data, SETTINGS)
    exact = anncur.full_scores(task, task.asked)
    for stage in (anncur.build(data, SETTINGS), *anncur.rivals(data, SETTINGS).values()):
        hits = stage(task.asked)
        there = hits.rows >= 0
        np.testing.assert_allclose(hits.scores[there], np.take_along_axis(exact, np.maximum(hits.rows, 0), 1)[there], rtol=1e-6)


def test_recall_counts_the_exact_best_among_the_best_found():
    ranked = np.arange(100)[None]
    found = np.concatenate([np.arange(1, 30), np.arange(200, 271)])[None]
    got = anncur.recall(found, ranked)
    assert {at: float(value[0]) for at, value in got.items()} == {1: 0.0, 10: 0.9, 50: 0.58, 100: 0.29}


def test_a_distilled_encoder_finds_what_is_linear_in_its_vectors():
    task = anncur.task_of(anncur.world(), SETTINGS)
    near, far = (anncur.distilled(task, task.anchors, ridge, 50) for ridge in (0.1, 1e9))
    exact = anncur.best(anncur.full_scores(task, task.asked), 100, queries=None, items=None).rows
    assert anncur.recall(near.rows, exact)[50].mean() > anncur.recall(far.rows, exact)[50].mean()
