"""The adapters of multi-round retrieval against plain loops, and what their edges promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from nearkin.layers.adaptive_rounds import AdaptiveRounds, FrequencyFilter, ItemAdapter, UserAdapter, bar, chosen  # noqa: E402
from nearkin.layers.grid import Grid  # noqa: E402
from nearkin.layers.sequence_nets import gru_net  # noqa: E402


def normed(row, gain=1.0):
    return (row - row.mean()) / np.sqrt(row.var() + 1e-5) * gain


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_filter_is_a_product_of_spectra(size):
    torch.manual_seed(size)
    layer = FrequencyFilter(size, 3, gain=0.5).eval()
    layer.weight.data.normal_()
    rows = torch.randn(2, size, 3)
    with torch.no_grad():
        found = layer(rows).numpy()
    weight = layer.weight.detach().numpy()
    for b in range(2):
        x = rows[b].numpy()
        spectrum = np.fft.rfft(x, axis=0) * (weight[..., 0] + 1j * weight[..., 1])
        whole = x + np.fft.irfft(spectrum, n=size, axis=0)
        np.testing.assert_allclose(found[b], [normed(row, 0.5) for row in whole], atol=1e-4)


def test_items_are_adapted_as_by_hand_and_padding_is_not_seen():
    torch.manual_seed(0)
    layer = ItemAdapter(3, 4, filtered=False).eval()
    history, shown = torch.randn(2, 5, 4), torch.randn(2, 2, 3, 4)
    there = torch.tensor([[[True, True, False], [True, False, False]], [[False] * 3, [False] * 3]])
    with torch.no_grad():
        found = layer(history, shown, there).numpy()
        other = layer(history, torch.where(there[..., None], shown, 99.0), there).numpy()
    np.testing.assert_allclose(found, other, rtol=1e-6)
    context = np.stack([shown[0, 0, 0], shown[0, 0, 1], shown[0, 1, 0]])
    for place, row in enumerate(history[0].numpy()):
        share = np.exp(context @ row / 2)
        np.testing.assert_allclose(found[0, place], normed(row + share @ context / share.sum()), atol=1e-5)
    for place, row in enumerate(history[1].numpy()):  # nothing was shown: no share, and no NaN
        np.testing.assert_allclose(found[1, place], normed(row), atol=1e-5)


def test_the_user_adapter_begins_at_the_backbone_and_then_reads_the_earlier_rounds():
    torch.manual_seed(0)
    layer = UserAdapter(4).eval()
    state, earlier = torch.randn(3, 4), torch.randn(3, 2, 4)
    with torch.no_grad():
        np.testing.assert_allclose(layer(state, earlier).numpy(), [normed(row) for row in state.numpy()], atol=1e-5)
        layer.down.weight.normal_()
        assert (layer(state, earlier) - layer(state, earlier.flip(1))).abs().max() > 1e-3


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 8), st.integers(1, 30))
def test_rounds_never_show_twice_nor_what_is_barred(seed, rounds, size, items):
    torch.manual_seed(seed)
    net = AdaptiveRounds(gru_net(4, 1, dropout=0.0), 4, size, parts=("items", "filter", "user")).eval()
    table, barred = torch.randn(items, 4), torch.rand(3, items) < 0.3
    kept = barred.clone()
    with torch.no_grad():
        states, shown = net(table, table, torch.randint(0, items, (6,)), Grid.of(torch.tensor([1, 2, 3])), None, barred, rounds)
    assert torch.equal(barred, kept)
    assert len(states) == len(shown) == rounds
    assert all(torch.isfinite(state).all() for state in states)
    for person in range(3):
        rows = torch.cat([each[person] for each in shown])
        rows = rows[rows >= 0]
        assert len(rows.unique()) == len(rows) == min(rounds * size, int((~barred[person]).sum()))
        assert not barred[person, rows].any()


def test_the_first_round_is_the_backbone():
    torch.manual_seed(1)
    inner = gru_net(4, 1, dropout=0.0)
    net = AdaptiveRounds(inner, 4, 2, parts=("items", "filter", "user")).eval()
    table, items, grid = torch.randn(9, 4), torch.tensor([3, 1, 2]), Grid.of(torch.tensor([1, 2]))
    with torch.no_grad():
        states, _ = net(table, table, items, grid, None, torch.zeros(2, 9, dtype=torch.bool), 3)
        np.testing.assert_allclose(states[0].numpy(), inner(table[items], grid)[grid.last].numpy(), rtol=1e-6)
    assert not torch.allclose(states[0], states[1], atol=1e-3)


def test_all_barred_shows_nothing():
    barred = torch.ones(1, 3, dtype=torch.bool)
    rows = chosen(torch.randn(1, 2), torch.randn(3, 2), barred, 5)
    assert (rows == -1).all()
    bar(barred, rows)
    assert barred.all()
