"""Batches hold every row once, of nearly one length, and windows foretell each item once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from nearkin.indexes.bert4rec import HiddenBatches
from nearkin.indexes.sequence_log import NextBatches
from nearkin.training.batches import cut_by_length, cut_evenly, gathered, windows

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=60)


def offsets_of(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


@given(lengths=LENGTHS, longest=st.integers(1, 12))
def test_each_item_but_the_first_is_foretold_once(lengths, longest):
    offsets = offsets_of(lengths)
    starts, stops = windows(offsets, longest)
    assert (stops - starts <= longest + 1).all()
    foretold = sorted(gathered(starts + 1, stops - starts - 1).tolist())
    assert foretold == [place for low, high in pairwise(offsets) for place in range(low + 1, high)]


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=200), tokens=st.integers(1, 200), seed=st.integers(0, 3))
def test_batches_hold_each_row_once_and_about_so_many_tokens(lengths, tokens, seed):
    lengths = np.array(lengths)
    found = cut_by_length(lengths, tokens, np.random.default_rng(seed))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    assert all(lengths[rows].sum() < tokens + 2 * lengths.max() for rows in found)


def test_a_batch_has_sequences_nearly_equally_long_and_short_ones_do_not_come_first():
    lengths = np.random.default_rng(0).geometric(0.15, 20_000)
    found = cut_by_length(lengths, 400, np.random.default_rng(1))
    padded = sum(len(rows) * lengths[rows].max() for rows in found)
    assert padded < 1.1 * lengths.sum()
    means = np.array([lengths[rows].mean() for rows in found])
    assert abs(means[: len(means) // 2].mean() - means[len(means) // 2 :].mean()) < 0.2 * means.mean()


def test_rows_without_a_length_come_in_even_batches():
    found = cut_evenly(10, 4, np.random.default_rng(0))
    assert [len(rows) for rows in found] == [4, 4, 2]
    assert sorted(np.concatenate(found).tolist()) == list(range(10))


def test_the_next_item_is_the_target():
    batches = NextBatches.of(offsets_of([3, 1, 4]), np.arange(10, 18), length=2, tokens=100, seed=0)
    batch = batches.make(np.arange(len(batches.starts)), np.random.default_rng(0))
    assert (batch.targets == batch.items + 1).all()
    assert sorted(batch.targets.tolist()) == [11, 12, 15, 16, 17]


@given(lengths=st.lists(st.integers(2, 9), min_size=1, max_size=30), seed=st.integers(0, 5), alone=st.sampled_from([0.0, 0.5, 1.0]))
def test_each_sequence_hides_at_least_one_item(lengths, seed, alone):
    offsets = offsets_of(lengths)
    batches = HiddenBatches(np.arange(offsets[-1]), offsets[:-1], np.diff(offsets), 0.2, alone, 50, 0)
    batch = batches.make(np.arange(len(lengths)), np.random.default_rng(seed))
    hidden = batch.hidden.numpy()
    counts = np.add.reduceat(hidden.astype(int), offsets[:-1])
    assert (counts >= 1).all()
    assert (batch.targets.numpy() == np.flatnonzero(hidden)).all()
    if alone == 1.0:
        assert (np.flatnonzero(hidden) == offsets[1:] - 1).all()
