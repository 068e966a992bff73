"""Two levels in miniature: codes trained by contrast beat OPQ, and vectors on disk put the candidates in order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nearkin.recipes import bidr
from nearkin.recipes.bidr_pairs import pairs_of
from nearkin.recipes.contract import contract_faults
from nearkin.tables import Catalog
from tests.recipes.miniature import miniature

WORLD, SETTINGS = bidr.world(), bidr.Settings.tiny()


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = {}
    for line in miniature("bidr").proof.lines:
        values.setdefault(line.metric, {"ours": line.ours})[line.rival] = line.rival_value
    return values


def test_codes_trained_by_contrast_beat_opq_of_the_same_size(found):
    assert not contract_faults(bidr)
    for rival in ("OPQ of stage 0", "OPQ of frozen vectors"):
        assert found["Recall@10 of codes"]["ours"] > found["Recall@10 of codes"][rival] + 0.05
        assert found["MRR@10 of codes"]["ours"] > found["MRR@10 of codes"][rival]


def test_verification_beats_the_codes_alone_and_walked_batches_keep_up(found):
    assert found["MRR@10"]["ours"] > found["MRR@10"]["codes alone"] + 0.03
    assert found["Recall@10"]["ours"] > found["Recall@10"]["random batches"] - 0.05


def test_pairs_are_disjoint_and_ranks_are_places_of_the_right_text():
    pairs = pairs_of(WORLD, 120)
    parts = np.concatenate([pairs.train, pairs.valid, pairs.test])
    assert sorted(parts.tolist()) == list(range(600))
    right = pairs.own[pairs.test[:3]]
    rows = np.array([[right[0], 1, 2], [(right[1] + 1) % 600, right[1], -1], [-1, -1, -1]])
    assert pairs.ranks(rows, pairs.test[:3])[[0, 2]].tolist() == [0, 10**6]
    tensor, offsets = pairs.item_bags(np.array([5, 0]))
    assert len(offsets) == 2
    assert len(tensor) <= 64


def test_towers_give_what_their_export_gives_and_training_leaves_the_start_alone():
    pairs = pairs_of(WORLD, 120)
    start = bidr.StaticWords(fields=("text",))
    tower = bidr.tower_of(start)
    given = tower(*pairs.item_bags(np.arange(20))).detach().numpy()
    np.testing.assert_allclose(given, start(Catalog.of(text=pairs.items["text"][:20])).rows, atol=1e-5)
    before = start.table.rows.copy()
    with torch.no_grad():
        tower.rows += 1
    np.testing.assert_array_equal(start.table.rows, before)
