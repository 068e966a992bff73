"""The walk along a graph equals products with the dense matrix, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from nearkin.layers.light_graph import LightConvolution, LightGraph  # noqa: E402


def dense(left_rows, right_rows, left, right):
    """D^-1/2 A D^-1/2, pair by pair."""
    adjacency = np.zeros((left + right, left + right))
    for one, other in zip(left_rows, right_rows):
        adjacency[one, left + other] = adjacency[left + other, one] = 1
    degrees = adjacency.sum(1)
    for i, j in np.argwhere(adjacency):
        adjacency[i, j] /= (degrees[i] * degrees[j]) ** 0.5
    return torch.from_numpy(adjacency)


def made(seed, left, right, pairs, dim=3):
    random = np.random.default_rng(seed)
    rows = random.integers(0, left, pairs), random.integers(0, right, pairs)
    return rows, torch.from_numpy(random.normal(size=(left + right, dim)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), left=st.integers(1, 9), right=st.integers(1, 9), pairs=st.integers(1, 40))
def test_a_step_and_its_gradient_are_those_of_the_dense_matrix(seed, left, right, pairs):
    rows, vectors = made(seed, left, right, pairs)
    graph, matrix = LightGraph.of(*rows, left, right), dense(*rows, left, right)
    ours, theirs = vectors.clone().requires_grad_(), vectors.clone().requires_grad_()
    weight = torch.randn(vectors.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    found, wanted = graph(ours), matrix @ theirs
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


def test_the_convolution_is_the_mean_over_powers_of_the_matrix():
    rows, vectors = made(1, 6, 5, 14)
    net, matrix = LightConvolution(vectors, LightGraph.of(*rows, 6, 5), 3), dense(*rows, 6, 5)
    start = vectors.float().double()
    wanted = sum(torch.linalg.matrix_power(matrix, power) @ start for power in range(4)) / 4
    torch.testing.assert_close(net().double(), wanted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(net(start * 2), wanted * 2, rtol=1e-5, atol=1e-6)


def test_a_thinned_graph_drops_both_directions_of_a_pair_and_is_right_on_average():
    rows, _ = made(2, 7, 6, 30)
    graph, eye = LightGraph.of(*rows, 7, 6), torch.eye(13, dtype=torch.float64)
    torch.manual_seed(0)
    drawn = [graph.thinned(0.5)(eye) for _ in range(600)]
    whole = graph(eye)
    for each in drawn[:5]:
        torch.testing.assert_close(each, each.T)
        assert ((each == 0) | torch.isclose(each, 2 * whole)).all()
    torch.testing.assert_close(torch.stack(drawn).mean(0), whole, rtol=0.2, atol=0.02)


def test_noise_moves_vectors_by_its_length_towards_their_own_signs():
    rows, vectors = made(3, 6, 5, 14)
    net = LightConvolution(vectors, LightGraph.of(*rows, 6, 5), 1)
    there = (net.graph(net.rows) != 0).any(1)
    moved = net.steps(noise=0.1)[1] - net.steps()[1]
    torch.testing.assert_close(moved.norm(dim=1)[there], torch.full((int(there.sum()),), 0.1))
    assert (moved * net.steps()[1] >= 0).all()
