"""CUR search in miniature, and the recipe's parts by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nearkin.encoders.static_words import StaticWords
from nearkin.recipes import anncur
from nearkin.recipes.contract import contract_faults
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner
from tests.recipes.miniature import miniature

pytest.importorskip("rapidfuzz")
SETTINGS = anncur.Settings.tiny()


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEARKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_the_recipe_keeps_the_contract_and_beats_dense_retrieval_in_miniature():
    assert not contract_faults(anncur)
    proof = miniature("anncur").proof
    found = {(line.metric, line.rival): line for line in proof.lines}
    assert {rival for _, rival in found} >= {"dense + rerank", "BM25 + rerank", "item-item anchors", "distilled + rerank"}
    assert found["Recall@50", "dense + rerank"].difference > 0
    assert set(proof.figures["recall by budget"][0]) == {15, 30}


def test_queries_anchor_queries_and_items_share_nothing():
    task = anncur.task_of(anncur.world(), replace(SETTINGS, read=0))
    parts = [set(part.id_list) for part in (task.asked, task.anchors, task.items)]
    assert [len(part) for part in parts[:2]] == [10, 30]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]


def test_build_and_rivals_answer_with_the_scores_of_the_scorer():
    data, few = anncur.world(), replace(SETTINGS, read=0)
    task = anncur.task_of(data, few)
    exact = anncur.full_scores(task, task.asked)
    for stage in (anncur.build(data, few), *anncur.rivals(data, few).values()):
        hits = stage(task.asked)
        there = hits.rows >= 0
        np.testing.assert_allclose(hits.scores[there], np.take_along_axis(exact, np.maximum(hits.rows, 0), 1)[there], rtol=1e-6)


def test_recall_counts_the_exact_best_among_the_best_found():
    ranked = np.arange(100)[None]
    found = np.concatenate([np.arange(1, 30), np.arange(200, 271)])[None]
    got = anncur.recall(found, ranked)
    assert {at: float(value[0]) for at, value in got.items()} == {1: 0.0, 10: 0.9, 50: 0.58, 100: 0.29}


class Products(Refiner):
    """Scores that are linear in the vectors of both sides."""

    def __call__(self, hits):
        left, right = StaticWords()(hits.queries).rows, StaticWords()(hits.items).rows
        return rescored(hits, np.take_along_axis(left @ right.T, np.maximum(hits.rows, 0), 1))


def test_a_distilled_encoder_learns_what_is_linear_in_its_vectors():
    task = replace(anncur.task_of(anncur.world(), replace(SETTINGS, read=0)), scorer=Products())
    found = anncur.distilled(task, task.anchors, 1e-6, 10, asked=task.anchors)
    exact = anncur.best(anncur.full_scores(task, task.anchors), 10, queries=None, items=None)
    assert np.mean([np.isin(one, other).mean() for one, other in zip(exact.rows, found.rows)]) > 0.9
