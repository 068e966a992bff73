"""LeanVec in miniature: two maps of one cause, where learning from queries must win."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.errors import BadInput
from nearkin.projections.lean_vec import LeanVec
from nearkin.projections.lean_vec_ood import LeanVecOod
from nearkin.recipes import leanvec
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.leanvec_scan import nearest
from nearkin.recipes.leanvec_sets import sets_of
from nearkin.tables import Catalog, Data, Vectors
from tests.recipes.miniature import miniature

SETTINGS = leanvec.Settings.tiny()


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(leanvec)
    proof = miniature("leanvec").proof
    assert proof.verdict == "holds"
    for gains in proof.figures["points of recall gained on LeanVec-ID"]:
        assert min(gains["unlike"].values()) > 5
        assert max(abs(points) for points in gains["alike"].values()) < 1
    assert {line.rival for line in proof.lines} >= {
        "eigenvector search",
        "sphering",
        "PCA",
        "PQ",
        "random projection",
        "LVQ-4 of all numbers",
    }
    assert {"recall by dims kept", "recall by training queries"} <= set(proof.figures)


def test_the_scan_finds_the_nearest_whatever_the_chunks():
    random = np.random.default_rng(0)
    for count in (3, 64, 200, 1000):
        items, queries = random.normal(size=(count, 9)).astype(np.float32), random.normal(size=(7, 9)).astype(np.float32)
        rows, scores = nearest(items, queries, min(count, 10))
        wanted = np.argsort(-(queries @ items.T), axis=1)[:, : min(count, 10)]
        np.testing.assert_array_equal(np.sort(rows, axis=1), np.sort(wanted, axis=1))
        np.testing.assert_allclose(scores, np.take_along_axis(queries @ items.T, rows, 1), rtol=1e-5)


def test_what_is_built_is_an_index_that_walks_by_the_projection():
    data = leanvec.world()
    index, plain = leanvec.build(data, SETTINGS), leanvec.rivals(data, SETTINGS)["LeanVec-ID"]
    assert isinstance(index.projection, LeanVecOod)
    assert isinstance(plain.projection, LeanVec)
    sets = sets_of(data)
    asked = sets.queries["unlike"].test[:100]
    wanted = nearest(sets.items, asked, 10)[0]
    found = index(Vectors(asked)).rows
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, wanted)]) > 0.9


def test_other_data_is_refused():
    with pytest.raises(BadInput, match="dict-wordnet31"):
        sets_of(Data(name="elsewhere", items=Catalog.of(["a"])))
