"""Retrieval in rounds in miniature: the recipe, and a run that was cut short."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from nearkin.recipes import ada_retrieval  # noqa: E402
from nearkin.recipes.contract import contract_faults  # noqa: E402
from tests.recipes.miniature import miniature  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEARKIN_CACHE", str(tmp_path))


def test_the_recipe_keeps_the_contract_and_finds_more_than_counting():
    assert not contract_faults(ada_retrieval)
    proof = miniature("ada-retrieval").proof
    values = {(line.metric, line.rival): line for line in proof.lines}
    for name in ada_retrieval.BACKBONES:
        # half the list is the first round, which is the backbone's; a few steps on 150 people tell little of the rest
        assert values[f"Hit@4, {name}", "backbone"].ours == values[f"Hit@4, {name}", "backbone"].rival_value
        assert values[f"Hit@8, {name}", "backbone"].ours >= values[f"Hit@8, {name}", "backbone"].rival_value - 0.1
    assert values["Hit@4, SASRec", "popularity"].ours > values["Hit@4, SASRec", "popularity"].rival_value
    assert set(proof.figures["ablations"][0]) >= {"without user", "without items", "without filter", "rounds, nothing adapted"}
    nothing, alone = (proof.figures["ablations"][0][name] for name in ("rounds, nothing adapted", "backbone"))
    assert nothing == alone


def test_what_was_trained_before_is_not_trained_again(monkeypatch):
    data, settings = ada_retrieval.world(), ada_retrieval.Settings.tiny()
    links = data.interactions
    first = ada_retrieval.trained(ada_retrieval.backbone("SASRec", settings), links, None)
    monkeypatch.setattr("nearkin.training.train._Run._step", lambda *_: pytest.fail("a step was taken again"))
    again = ada_retrieval.trained(ada_retrieval.backbone("SASRec", settings), links, None)
    assert (again.table_ == first.table_).all()
