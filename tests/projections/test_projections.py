"""Moments and the projections learned from them: against plain NumPy, finite differences, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from nearkin.errors import BadInput, ShapeError
from nearkin.projections.lean_vec import LeanVec
from nearkin.projections.lean_vec_ood import SOLVERS, LeanVecOod, with_prior
from nearkin.projections.moments import Moments, leading
from nearkin.projections.ood_solvers import eigen_search, frank_wolfe, gradients, loss, sphering
from nearkin.projections.pca import Pca
from nearkin.projections.random_projection import RandomProjection
from nearkin.projections.turned import Turned
from nearkin.projections.whitening import Whitening
from nearkin.tables import Vectors

D, KEPT = 16, 4


def rows(count=400, seed=0, spread=None, mean=0.0) -> Vectors:
    random = np.random.default_rng(seed)
    spread = np.linspace(2, 0.2, D) if spread is None else spread
    return Vectors((random.normal(size=(count, D)) * spread + mean).astype(np.float32))


def moved() -> tuple[Vectors, Vectors]:
    """Items and queries that use the directions differently."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(D, D)))[0]
    queries = rows(900, 2, np.linspace(0.1, 2, D)).rows @ turn
    return rows(700, 1), Vectors(queries.astype(np.float32))


def seconds() -> tuple[np.ndarray, np.ndarray]:
    items, queries = moved()
    return Moments.of(queries).second, Moments.of(items).second


@given(some.lists(some.integers(1, 40), min_size=1, max_size=6), some.integers(1, 64), some.floats(-1e4, 1e4))
def test_moments_by_parts_in_any_order_are_those_of_the_whole(sizes, block, mean):
    whole = rows(sum(sizes), seed=len(sizes), mean=mean)
    ends = np.cumsum(sizes)
    parts = [Moments.of(whole.take(np.arange(end - size, end)), block=block) for size, end in zip(sizes, ends)]
    found = parts[0]
    for part in parts[1:]:
        found = part.joined(found)
    wide = whole.rows.astype(np.float64)
    assert found.count == len(whole)
    np.testing.assert_allclose(found.mean, wide.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.covariance, np.cov(wide.T, bias=True), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.second, wide.T @ wide / len(wide), rtol=1e-9, atol=1e-7)


def test_learning_by_parts_equals_learning_at_once():
    items, queries = moved()
    half = [Moments.of(items.take(np.arange(*ends))) for ends in ((0, 300), (300, 700))]
    for kind in (Pca, Whitening, LeanVec):
        once = kind(dim=KEPT).fit(items).matrix_
        np.testing.assert_allclose(kind(dim=KEPT).fit_moments(half[0].joined(half[1])).matrix_, once, atol=1e-5)
    asked = [Moments.of(queries.take(np.arange(start, len(queries), 2)), block=17) for start in (0, 1)]
    parts = LeanVecOod(dim=KEPT).fit_moments(half[1].joined(half[0]), *asked)
    np.testing.assert_allclose(parts.matrix_, LeanVecOod(dim=KEPT).fit(items, queries).matrix_, atol=1e-4)


def test_gradients_are_those_of_finite_differences():
    asked, held = seconds()
    random = np.random.default_rng(0)
    pair = random.normal(size=(2, KEPT, D)) / 4
    slopes, step = gradients((pair[0], pair[1]), asked, held), 1e-5
    for side in (0, 1):
        for row, column in ((0, 0), (1, 7), (3, 15)):
            change = np.zeros_like(pair)
            change[side, row, column] = step
            up, down = (loss(tuple(pair + sign * change), asked, held) for sign in (1, -1))
            assert (up - down) / (2 * step) == pytest.approx(slopes[side][row, column], rel=1e-5, abs=1e-8)


def test_loss_is_the_mean_squared_error_of_inner_products():
    items, queries = moved()
    part = LeanVecOod(dim=KEPT).fit(items, queries)
    wrong = part.asking()(queries).rows @ part(items).rows.T - queries.rows @ items.rows.T
    assert part.loss_ == pytest.approx(np.mean(wrong.astype(np.float64) ** 2), rel=0.05)  # up to the prior


@pytest.mark.parametrize(("turned", "agree"), [(False, 0.1), (True, 0.5)])
def test_solvers_agree_in_loss_and_all_beat_the_projection_that_knows_items_only(turned, agree):
    """One map for both sides is enough where both lie along the same axes, and not where the queries' are turned."""
    asked, held = seconds() if turned else (Moments.of(rows(900, 2, np.roll(np.linspace(2, 0.2, D), 6))).second, seconds()[1])
    plain = leading(held, KEPT)[1]
    pairs = [sphering(asked, held, KEPT), frank_wolfe(asked, held, (plain, plain), rounds=2000, tolerance=1e-7)]
    pairs += [eigen_search(asked, held, KEPT), (plain, plain)]
    sphered, wolfe, eigen, without = (loss(pair, asked, held) for pair in pairs)
    assert sphered * (1 - 1e-9) <= wolfe <= 1.05 * eigen
    assert eigen < 0.9 * without
    assert eigen == pytest.approx(wolfe, rel=agree)
    assert wolfe == pytest.approx(sphered, rel=0.05)


def test_frank_wolfe_never_rises_and_stays_within_spectral_norm_one():
    asked, held = seconds()
    start = np.linalg.qr(np.random.default_rng(3).normal(size=(D, KEPT)))[0].T
    losses = []
    for rounds in range(12):
        pair = frank_wolfe(asked, held, (start, start), rounds=rounds, tolerance=0)
        losses.append(loss(pair, asked, held))
        assert max(np.linalg.norm(each, 2) for each in pair) <= 1 + 1e-9
    assert (np.diff(losses) <= 1e-12).all()
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_out_of_distribution_is_in_distribution_when_queries_are_as_items(solver):
    items = rows(5000, 1)
    both = Moments.of(items)
    ood, plain = LeanVecOod(dim=KEPT, solver=solver).fit_moments(both, both, both), LeanVec(dim=KEPT).fit_moments(both)
    products = ood.asking()(items).rows[:50] @ ood(items).rows.T
    np.testing.assert_allclose(products, plain(items).rows[:50] @ plain(items).rows.T, atol=2e-2)


def test_rows_are_orthonormal_and_dimensions_kept_in_order_of_strength():
    part = LeanVec(dim=D).fit(rows())
    np.testing.assert_allclose(part.matrix_ @ part.matrix_.T, np.eye(D), atol=1e-5)
    strength = (part(rows()).rows ** 2).mean(0)
    assert (np.diff(strength) <= 1e-4).all()


def test_pca_ignores_a_big_mean_and_whitening_gives_the_identity():
    far = rows(3000, mean=300.0)
    np.testing.assert_allclose(np.abs(Pca(dim=2).fit(far).matrix_ @ Pca(dim=2).fit(rows(3000)).matrix_.T), np.eye(2), atol=0.01)
    white = Whitening(dim=D, ridge=0.0).fit(rows())(rows()).rows
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(D), atol=1e-3)


def test_constant_dimensions_and_few_vectors_stay_finite():
    spread = np.linspace(1, 0.1, D)
    spread[[2, 5]] = 0
    flat = rows(400, spread=spread, mean=1.0)
    for part in (Pca(dim=D), Whitening(dim=D), LeanVec(dim=D)):
        assert np.isfinite(part.fit(flat)(flat).rows).all()
        assert np.isfinite(part.fit(flat.take([0, 1, 2]))(flat).rows).all()
    for solver in SOLVERS:
        part = LeanVecOod(dim=8, solver=solver).fit(flat, flat.take([0, 1, 2]))
        assert np.isfinite(part(flat).rows).all()
        assert np.isfinite(part.asking()(flat).rows).all()


def test_few_queries_are_believed_little():
    items, queries = moved()
    held = Moments.of(items).second
    near = with_prior(Moments.of(items), Moments.of(queries.take([0])), 1000.0)
    np.testing.assert_allclose(near / np.trace(near), held / np.trace(held), atol=2e-3)
    few, true = LeanVecOod(dim=KEPT, solver="sphering").fit(items, queries.take(np.arange(4))), Moments.of(queries).second
    believed = sphering(with_prior(Moments.of(items), Moments.of(queries.take(np.arange(4))), 0.0), held, KEPT)
    assert few.prior_ > 0
    assert loss((few.asking_, few.matrix_), true, held) < loss(believed, true, held)


def test_inner_products_of_random_maps_are_right_on_average():
    some_rows = rows(6)
    wanted = some_rows.rows @ some_rows.rows.T
    found = []
    for seed in range(400):
        part = RandomProjection(dim=8, seed=seed).fit(some_rows)
        found.append(part(some_rows).rows @ part(some_rows).rows.T)
    spread = np.std(found, axis=0) / np.sqrt(400)
    assert (np.abs(np.mean(found, 0) - wanted) < 4.5 * spread + 1e-5).all()


def test_a_turn_keeps_inner_products_and_evens_out_ranges():
    items, queries = moved()
    plain = LeanVecOod(dim=8).fit(items, queries)
    turned = Turned(projection=LeanVecOod(dim=8)).fit(items, queries)
    products = [each.asking()(queries).rows @ each(items).rows.T for each in (plain, turned)]
    np.testing.assert_allclose(products[0], products[1], atol=1e-3)
    parts = [Moments.of(queries.take(np.arange(start, 900, 2))) for start in (0, 1)]
    again = Turned(projection=LeanVecOod(dim=8)).fit_moments(Moments.of(items), *parts)
    np.testing.assert_array_equal(again(items).rows, turned(items).rows)
    spreads = [each(items).rows.std(axis=0) for each in (LeanVec(dim=8).fit(items), Turned(projection=LeanVec(dim=8)).fit(items))]
    assert np.ptp(spreads[1]) < np.ptp(spreads[0])


def test_what_cannot_be_learned_from_is_refused():
    items = rows()
    with pytest.raises(BadInput, match="sample of queries"):
        LeanVecOod(dim=2).fit(items, items.take([]))
    with pytest.raises(BadInput, match="no vectors"):
        Pca(dim=2).fit(items.take([]))
    with pytest.raises(BadInput, match="one dim"):
        LeanVecOod(dim=2).fit(items, Vectors(np.ones((3, D + 1), np.float32)))
    with pytest.raises(BadInput, match="zero"):
        LeanVecOod(dim=2).fit(items, Vectors(np.zeros((3, D), np.float32)))
    with pytest.raises(BadInput, match="solver"):
        LeanVecOod(dim=2, solver="guess").fit(items, items)
    with pytest.raises(BadInput, match="1 to 16"):
        LeanVecOod(dim=17).fit(items, items)
    with pytest.raises(ShapeError, match="NaN"):
        Pca(dim=2).fit(Vectors(np.full((3, D), np.nan, np.float32)))
    with pytest.raises(ShapeError, match="joined"):
        Moments.of(items).joined(Moments.of(Vectors(np.ones((2, 3), np.float32))))
