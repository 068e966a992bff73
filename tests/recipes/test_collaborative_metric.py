"""Collaborative metric learning: the split leaks nothing, sampling leaves chances true, distances obey, and the claim holds in little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin.indexes.collaborative_metric import CollaborativeMetric
from nearkin.indexes.metric_fit import main_axes
from nearkin.metrics.probability import auc
from nearkin.recipes import collaborative_metric as recipe
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.film_forecasts import measured
from nearkin.recipes.film_releases import era, release_years
from nearkin.recipes.film_rivals import logistic
from nearkin.recipes.reproduction import reproduce
from nearkin.stage import Stage
from nearkin.tables import Catalog

WORLD = recipe.world()
SETTINGS = recipe.Settings.tiny()
ERA = era(WORLD, since=0.7, until=1.0, year=1997, last=1998, least=3)


@pytest.fixture(scope="module")
def model() -> CollaborativeMetric:
    return recipe.model_of(WORLD, release_years(WORLD) < 1997, SETTINGS).fit(ERA.train, about=ERA.trained_recency, later=ERA.newest)


def test_the_claim_holds_in_miniature():
    assert not contract_faults(recipe)
    proof = reproduce("collaborative-metric", tiny=True, seeds=(0,))
    lines = {(line.metric, line.rival): line for line in proof.lines}
    for rival in ("content only", "history only"):
        assert lines["AUC", rival].verdict == "holds"
        assert lines["log-loss", rival].verdict != "fails"
    assert lines["AUC", "popularity"].rival_value == pytest.approx(0.5)
    errors = proof.figures["calibration error, and 95 % interval of ours minus it"]
    assert errors["ours"][0] < 0.05


def test_nothing_learned_from_is_new_or_late():
    years, links = release_years(WORLD), WORLD.interactions
    day = np.ceil(np.quantile(links.time, 0.7))
    assert (years[ERA.train.right_rows] < 1997).all()
    assert (ERA.train.time < day).all()
    assert (years[ERA.histories.rows] < 1997).all()
    assert (years[np.nonzero(ERA.open)[1]] >= 1997).all()
    assert ERA.bought.sum() > 50
    assert not (ERA.bought & ~ERA.open).any()


def test_auc_of_customers_and_of_all_pairs_is_one_figure():
    scores = np.random.default_rng(0).normal(size=ERA.open.shape).round(1)
    found = measured(ERA, {"ours": 1 / (1 + np.exp(-scores))})[0]
    assert found.values["ours"].sum() / found.sizes["ours"].sum() == pytest.approx(auc(ERA.labels, scores[ERA.pairs]))


def test_distances_obey_and_like_films_are_neighbours(model):
    places = model.item_vectors().rows
    assert np.linalg.norm(places, axis=1).max() <= 1 + 1e-6
    assert np.linalg.norm(model.weights_["places"], axis=1).max() <= 1 + 1e-6
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    i, j, k = np.random.default_rng(0).integers(0, len(places), (3, 500))
    assert (apart[i, k] <= apart[i, j] + apart[j, k] + 1e-5).all()
    new, old = (np.flatnonzero(mask) for mask in (release_years(WORLD) >= 1997, release_years(WORLD) < 1997))
    nearest = old[apart[np.ix_(new, old)].argmin(1)]
    themes = np.array([plot[:3] for plot in WORLD.items["plot"]])
    assert (themes[nearest] == themes[new]).mean() > 0.8


def test_a_saved_model_answers_alike_and_takes_new_films(model, tmp_path):
    people = ERA.train.histories().take(np.arange(5))
    before = model(people)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(Stage.load(tmp_path / "model")(people).rows, before.rows)
    order = np.random.default_rng(0).permutation(len(WORLD.items))
    moved = model.for_items(WORLD.items.take(order))
    np.testing.assert_allclose(
        moved.score(people, np.tile(np.arange(9), (5, 1))), model.score(people, np.tile(order[:9], (5, 1))), rtol=1e-4
    )
    assert (model(Catalog.histories([[], ["nobody had this"]])).rows == -1).all()


def test_drawing_more_negatives_leaves_chances_where_they_are():
    rates = []
    for negatives in (2, 20):
        net = replace(recipe.model_of(WORLD, release_years(WORLD) < 1997, SETTINGS), hinge=0.0, decorrelate=0.0, negatives=negatives)
        chances = net.fit(ERA.train).chances(ERA.histories)
        rates.append(chances[ERA.pairs].mean())
    assert 0.7 < rates[0] / rates[1] < 1.4
    assert 0.6 < rates[1] / ERA.labels.mean() < 1.6


def test_regression_and_axes_against_what_they_say():
    random = np.random.default_rng(0)
    rows = random.normal(size=(400, 2))
    tries = np.full(400, 500.0)
    weights = logistic(rows, tries / (1 + np.exp(-(rows @ [1.0, -2.0] + 0.5))), tries, 1e-6)
    np.testing.assert_allclose(weights, [1.0, -2.0, 0.5], atol=1e-3)
    for shape in ((30, 8), (8, 30)):
        given = random.normal(size=shape)
        centre, axes = main_axes(given, 5)
        values = np.linalg.svd(given - given.mean(0), compute_uv=False)[:5]
        found = (given - centre) @ axes
        np.testing.assert_allclose((found**2).sum(0), values**2 / (values**2).sum() * shape[0] * 5, rtol=1e-3)
