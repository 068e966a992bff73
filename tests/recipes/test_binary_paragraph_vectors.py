"""Binary paragraph vectors in miniature, and the measures against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra torch")
from nearkin.recipes import binary_paragraph_vectors as recipe
from nearkin.recipes.contract import contract_faults
from nearkin.tables import Catalog, Data, Links
from tests.recipes.miniature import miniature


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(recipe)
    proof = miniature("binary-paragraph-vectors").proof
    assert proof.verdict == "holds"
    assert {line.rival for line in proof.lines} >= {"PV", "LSH of PV", "ITQ of PV", "autoencoder", "TF-IDF", "Binary PV-DM"}
    assert min(shares["Binary PV-DBOW"] for shares in proof.figures["bits that lie between 0.3 and 0.7"]) > 0.5
    assert max(proof.figures["share of the texts scored by floats"]) < 0.1


def test_build_and_rivals_find_texts_of_the_kind_asked_for():
    settings = recipe.Settings.tiny()
    texts = recipe.drawn(recipe.world(), settings)
    stages = {"ours": recipe.build(recipe.world(), settings), **recipe.rivals(recipe.world(), settings)}
    right = {
        name: np.take_along_axis(texts.relevant, stage(texts.queries).rows.astype(np.int64), 1).mean() for name, stage in stages.items()
    }
    assert right["ours"] > max(0.5, 1.1 * right["LSH of PV"])
    assert right["PV"] > 0.5


def test_measures_are_those_of_the_definition():
    random = np.random.default_rng(0)
    scores, relevant = random.permutation(8 * 40).reshape(8, 40).astype(float), random.random((8, 40)) < 0.2
    relevant[:, 0] = True
    precision, gain = recipe.ranked(scores, relevant, 0)
    for query in range(8):
        right = [bool(relevant[query, item]) for item in sorted(range(40), key=lambda item: -scores[query, item])]
        found = [sum(right[: place + 1]) / (place + 1) for place in range(40) if right[place]]
        assert precision[query] == pytest.approx(sum(found) / len(found))
        ideal = sum(1 / math.log2(place + 2) for place in range(min(10, sum(right))))
        assert gain[query] == pytest.approx(sum(1 / math.log2(place + 2) for place in range(10) if right[place]) / ideal)


def test_kinds_are_the_fourth_hypernym_below_the_root():
    names = [f"n{row}" for row in range(7)]
    items = Catalog.of(names, definition=names, pos=["noun"] * 6 + ["verb"])
    chain = Links.edges(items, list(zip(names[1:], names)))
    assert recipe.hypernyms(Data(name="chain", items=items, links=chain)) == ["", "", "", "", "n4", "n4", ""]


def test_two_levels_rank_the_share_by_floats_and_the_rest_behind():
    settings = recipe.Settings.tiny()
    texts = recipe.drawn(recipe.world(), settings)
    model = recipe._model(settings, bits=settings.short).fit(texts.held)
    asked = model(texts.queries)
    cosines = recipe.by_floats(model, asked)
    scores = recipe.filtered(model, asked, cosines, 0.1)
    assert ((scores > 0.5).sum(1) == int(0.1 * len(texts.held))).all()
    full = recipe.filtered(model, asked, cosines, 1.0)
    np.testing.assert_allclose(full, cosines + 2, atol=1e-6)
