"""Collaborative metric learning: the split leaks nothing, sampling leaves chances true, distances obey, and the claim holds in little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin.errors import BadInput
from nearkin.indexes.collaborative_metric import CollaborativeMetric
from nearkin.indexes.histories import Histories
from nearkin.indexes.main_effects import Told, directions, guess, logistic
from nearkin.indexes.metric_fit import main_axes
from nearkin.metrics.probability import auc
from nearkin.recipes import collaborative_metric as recipe
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.film_forecasts import measured
from nearkin.recipes.film_releases import era, release_years
from nearkin.stage import Stage
from nearkin.tables import Catalog, Links
from tests.recipes.miniature import miniature

WORLD = recipe.world()
SETTINGS = recipe.Settings.tiny()
ERA = era(WORLD, since=0.7, until=1.0, year=1997, last=1998, least=3)


@pytest.fixture(scope="module")
def model() -> CollaborativeMetric:
    return recipe.model_of(WORLD, release_years(WORLD) < 1997, SETTINGS).fit(ERA.train, released=release_years(WORLD))


def test_the_claim_holds_in_miniature():
    assert not contract_faults(recipe)
    proof = miniature("collaborative-metric").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    for rival in ("content only", "history only"):
        assert lines["AUC", rival].verdict == "holds"
        assert lines["log-loss", rival].verdict != "fails"
    assert lines["AUC", "popularity"].rival_value == pytest.approx(0.5)
    for errors in proof.figures["calibration error, and 95 % interval of ours minus it"]:
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
    assert np.linalg.norm(model.encode(ERA.train.histories()).rows, axis=1).max() <= 1 + 1e-6
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


def test_regressions_take_what_is_known_beforehand_into_account():
    random = np.random.default_rng(1)
    rows, given, tries = random.normal(size=(300, 2)), random.normal(size=(300, 4)) * 2, np.full(300, 400.0)
    chances = 1 / (1 + np.exp(-((rows @ [0.5, 1.0])[:, None] - 1 + given)))
    weights = logistic(rows, tries * chances.mean(1), tries, 1e-6, given=given)
    np.testing.assert_allclose(weights, [0.5, 1.0, -1.0], atol=1e-3)
    np.testing.assert_allclose(guess(rows, rows @ [[1.0, 2.0], [0.0, 3.0]], 1e-6), [[1.0, 2.0], [0.0, 3.0]], atol=1e-4)


def test_histories_tell_their_length_and_their_directions_against_loops():
    random = np.random.default_rng(2)
    had = random.random((30, 12)) < 0.4
    owners, rows = np.nonzero(had)
    axes, about = directions(owners, rows, had.shape, 3, 0), random.normal(size=(30, 1))
    np.testing.assert_allclose(np.abs(axes.T @ np.linalg.svd(had * 1.0)[2][:3].T), np.eye(3), atol=1e-3)
    raw = np.array([[np.log1p(each.sum()), *more, *(axes[each].sum(0) / np.sqrt(max(each.sum(), 1)))] for each, more in zip(had, about)])
    told = Told.learned(axes, owners, rows, about, True)
    np.testing.assert_allclose(told(owners, rows, about), np.clip((raw - raw.mean(0)) / raw.std(0), -4, 4), atol=1e-3)
    assert (told(owners, rows, np.full((30, 1), np.nan))[:, 1] == 0).all()
    assert (Told.learned(axes, owners, rows, about, False)(owners, rows, about)[:, :2] == 0).all()


def test_parts_add_up_and_new_films_are_guessed_from_content(model):
    taking, taken, nearness = model.parts(ERA.histories)
    chances = model.chances(ERA.histories)
    np.testing.assert_allclose(np.log(chances / (1 - chances)), taking + taken + nearness, atol=1e-3)
    np.testing.assert_array_equal(taken[0, model.known_], model.weights_["own"])
    new = np.setdiff1d(np.arange(len(WORLD.items)), model.known_)
    np.testing.assert_allclose(taken[0, new], (model.rows_ @ model.taken_[:-1] + model.taken_[-1])[new], rtol=1e-5)
    likes = np.array([plot[:3] for plot in WORLD.items["plot"]])
    for person in range(5):  # those new films are near whose theme most of the history has
        themes, counts = np.unique(likes[ERA.histories.rows[ERA.histories.owners == person]], return_counts=True)
        own = likes[new] == themes[counts.argmax()]
        assert nearness[person, new[own]].mean() > nearness[person, new[~own]].mean()


def test_one_customer_is_learned_from_and_one_film_is_refused():
    catalog, customers = WORLD.items.take(np.arange(3)), Catalog.of(["a", "b"])
    model = CollaborativeMetric(content=recipe.contents_of(WORLD, np.ones(len(WORLD.items), bool), SETTINGS), epochs=1)
    with pytest.raises(BadInput, match="all alike"):
        model.fit(Links(customers, catalog, np.array([0, 1], np.int32), np.array([0, 0], np.int32)))
    model.fit(Links(customers, catalog, np.array([0, 0], np.int32), np.array([0, 1], np.int32)))
    chances = model.chances(Histories.of(Catalog.histories([["f0"], []]), catalog))
    assert ((chances > 0) & (chances <= 1)).all()  # who had everything tells nothing of what is passed by
