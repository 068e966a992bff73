"""Texts beside a graph: who is aligned with what, what is hidden, and that a loss goes back to all that should learn."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nearkin.layers.beside import NoisyViews, Triples  # noqa: E402
from nearkin.layers.light_graph import LightConvolution, LightGraph  # noqa: E402
from nearkin.layers.text_alignment import ContrastWithTexts, DecodedTexts  # noqa: E402
from nearkin.losses.alignment import contrastive_alignment  # noqa: E402

PEOPLE, ITEMS, DIM, WIDE = 6, 5, 4, 7
RANDOM = np.random.default_rng(0)
PAIRS = RANDOM.integers(0, PEOPLE, 14), RANDOM.integers(0, ITEMS, 14)
TEXTS = torch.from_numpy(RANDOM.normal(size=(PEOPLE + ITEMS, WIDE)).astype(np.float32))
BATCH = Triples(torch.tensor([3, 1, 3]), torch.tensor([6, 8, 6]), torch.tensor([[7], [9], [10]]))


def net() -> LightConvolution:
    start = torch.randn(PEOPLE + ITEMS, DIM, generator=torch.Generator().manual_seed(1))
    return LightConvolution(start, LightGraph.of(*PAIRS, PEOPLE, ITEMS), 2)


def test_contrast_is_over_all_people_and_over_the_items_of_the_batch():
    part, graph = ContrastWithTexts(TEXTS, PEOPLE, DIM, weight=0.5), net()
    found, texts = graph(), part.map(TEXTS)

    def aligned(rows, among):
        return contrastive_alignment(found[rows], texts[among], torch.tensor([among.index(row) for row in rows]), temperature=0.2)

    wanted = aligned([1, 3], list(range(PEOPLE))) + aligned([6, 8], [6, 8]) + aligned([7, 9, 10], [7, 9, 10])
    torch.testing.assert_close(part.term(graph, found, BATCH), 0.5 * wanted)


def test_a_thing_without_a_profile_aligns_with_nothing():
    empty = TEXTS.clone()
    empty[3] = 0
    part, graph = ContrastWithTexts(empty, PEOPLE, DIM), net()
    part.term(graph, found := graph().detach().requires_grad_(), BATCH).backward()
    assert (found.grad[3] == 0).all()
    assert (found.grad[[1, 6, 7, 8, 9, 10]] != 0).any(1).all()
    nothing = ContrastWithTexts(TEXTS * 0, PEOPLE, DIM)
    assert float(nothing.term(graph, graph(), BATCH).detach()) == 0


def test_hidden_nodes_walk_with_the_learned_vector_and_others_with_their_own():
    part, graph = DecodedTexts(TEXTS, DIM, share=0.4), net()
    torch.manual_seed(0)
    rows = part.before(graph.rows)
    hidden = set(part.chosen.tolist())
    assert len(hidden) == 4
    for row in range(PEOPLE + ITEMS):
        assert torch.equal(rows[row], part.hidden if row in hidden else graph.rows[row])


def test_gradients_reach_the_graph_the_hidden_vector_and_the_maps():
    graph, parts = net(), (ContrastWithTexts(TEXTS, PEOPLE, DIM), DecodedTexts(TEXTS, DIM, share=0.5), NoisyViews())
    rows = graph.rows
    for part in parts:
        rows = part.before(rows)
    found = graph(rows)
    sum(part.term(graph, found, BATCH) for part in parts).backward()
    held = [graph.rows, *(each for part in parts for each in part.parameters())]
    assert all(each.grad is not None and each.grad.isfinite().all() and each.grad.abs().sum() > 0 for each in held)


def test_noisy_views_agree_more_the_less_noise_there_is():
    graph = net()
    torch.manual_seed(0)
    calm, wild = (float(NoisyViews(noise=noise).term(graph, graph(), BATCH).detach()) for noise in (1e-6, 5.0))
    assert calm < wild
