"""Maps on a plane: the moves against a plain loop, kinds that part, new things among their own, and old maps matched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import ShapeError
from nearkin.kernels.plane_walk import move
from nearkin.projections.plane import aligned, placed, plane, strengths

MASK = 2**64 - 1


def moved_plainly(places, heads, tails, chances, epochs, rate, pushes, seed):
    """The same moves, an edge at a time, by Python's whole numbers and 32-bit floats."""
    places, state = places.copy(), (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & MASK

    def following(state):
        state ^= state << 13 & MASK
        state ^= state >> 7
        return state ^ (state << 17 & MASK)

    for epoch in range(epochs):
        step = np.float32(rate * (1 - epoch / epochs))
        for head, tail, chance in zip(heads, tails, chances):
            state = following(state)
            if (state >> 40) * 2.0**-24 >= chance:
                continue
            apart = places[head] - places[tail]
            pull = np.clip(np.float32(-2) / (1 + apart @ apart) * apart, -4, 4) * step
            places[head] += pull
            places[tail] -= pull
            for _ in range(pushes):
                state = following(state)
                other = (state >> 16) % len(places)
                if other != head:
                    apart = places[head] - places[other]
                    far = apart @ apart
                    places[head] += np.clip(np.float32(2) / ((np.float32(1e-3) + far) * (1 + far)) * apart, -4, 4) * step
    return places


@pytest.mark.parametrize("seed", range(4))
def test_the_moves_are_those_of_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    places = random.normal(size=(9, 2)).astype(np.float32)
    heads, tails = (random.integers(0, 9, 14).astype(np.int32) for _ in range(2))
    chances = random.random(14).astype(np.float32)
    wanted = moved_plainly(places, heads, tails, chances, 3, 0.5, 2, seed)
    move(places, heads, tails, chances, 3, 0.5, 2, seed)
    assert np.allclose(places, wanted, atol=1e-3)


def nearest(rows, k=8):
    apart = np.linalg.norm(rows[:, None] - rows, axis=2)
    np.fill_diagonal(apart, np.inf)
    found = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return found.astype(np.int32), np.take_along_axis(apart, found, 1).astype(np.float32)


@pytest.fixture(scope="module")
def kinds():
    """Six kinds that no two axes can part."""
    random = np.random.default_rng(0)
    kind = np.repeat(np.arange(6), 40)
    rows = np.eye(6)[kind] * 8 + random.normal(size=(240, 6))
    start = (rows[:, :2] + random.normal(size=(240, 2)) * 4).astype(np.float32)
    return kind, *nearest(rows), start


def own_kind(places, kind):
    return (kind[nearest(places)[0]] == kind[:, None]).mean()


def test_kinds_part_and_a_seed_has_one_answer(kinds):
    kind, neighbours, distances, start = kinds
    places = plane(neighbours, distances, start)
    assert own_kind(places, kind) > 0.97 > own_kind(start, kind) + 0.3
    assert np.array_equal(places, plane(neighbours, distances, start))
    assert not np.array_equal(places, plane(neighbours, distances, start, seed=1))


def test_what_has_no_neighbours_and_nothing_at_all(kinds):
    _, neighbours, distances, start = kinds
    lonely = neighbours.copy()
    lonely[5] = -1
    assert np.isfinite(plane(lonely, distances, start)).all()
    nothing = np.zeros((0, 8), np.int32)
    assert plane(nothing, nothing.astype(np.float32), np.zeros((0, 2), np.float32)).shape == (0, 2)
    equal = np.zeros((4, 2), np.float32)
    rows = np.array([[1], [0], [3], [2]], np.int32)
    assert np.isfinite(plane(rows, np.zeros((4, 1), np.float32), equal)).all()
    with pytest.raises(ShapeError, match="a row of neighbours"):
        plane(neighbours, distances[:3], start)


@given(st.integers(0, 10**6), st.integers(4, 20))
@settings(max_examples=20, deadline=None)
def test_strengths_fall_from_one_and_sum_to_the_logarithm(seed, k):
    distances = np.sort(np.random.default_rng(seed).gamma(2, 2, (5, k)), axis=1).astype(np.float32)
    found = strengths(distances, np.ones_like(distances, bool))
    assert np.allclose(found[:, 0], 1)
    assert (np.diff(found, axis=1) <= 1e-6).all()
    assert np.allclose(found.sum(1), np.log2(k), rtol=0.01)


def test_new_things_stand_among_what_they_are_like(kinds):
    _, neighbours, distances, start = kinds
    places = plane(neighbours, distances, start)
    found = placed(np.array([[0, 1, -1], [-1, -1, -1]]), np.array([[3.0, 1, 9], [1, 1, 1]]), places)
    assert np.allclose(found[0], (3 * places[0] + places[1]) / 4, atol=1e-5)
    assert np.allclose(found[1], places.mean(0), atol=1e-5)


@given(st.floats(0, 6.3), st.booleans(), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_a_turned_map_is_turned_back(angle, mirrored, scale):
    old = np.random.default_rng(0).normal(size=(20, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([-1 if mirrored else 1, 1])
    fresh = old @ turn * scale + 5
    assert np.allclose(aligned(fresh, old[:9], np.arange(9)), old, atol=1e-3)
    assert np.array_equal(aligned(fresh, old[:2], np.arange(2)), fresh)
