"""Which sums may be among the largest, each step against NumPy; whole searches are held to a plain scan in test_posting_lists.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.kernels import largest_sums
from nearkin.kernels.ranked import BINS

FLOATS = st.floats(0, 1e6, width=32)


def ints(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).view(np.int32)


def test_maxima_of_strided_blocks_on_all_lengths():
    random = np.random.default_rng(0)
    for number in range(1, 1026):
        values, tops = ints(random.random(16 * number)), np.empty(number, np.int32)
        largest_sums._maxima(values, number, tops)
        np.testing.assert_array_equal(tops, values.reshape(16, number).max(0))


@pytest.mark.parametrize("k", [1, 3, 16])
def test_kth_largest_of_few(k):
    random = np.random.default_rng(0)
    for size in range(1, 200):
        values, least = ints(random.choice([0.0, 1.0, 2.0, 5.5, 7.25], size)), ints(np.ones(1))[0]
        expected = np.sort(values)[::-1][k - 1] if k <= size else least
        assert largest_sums._kth(values, k, least) == max(expected, least)


@given(values=st.lists(FLOATS, min_size=1, max_size=300), k=st.integers(1, 300), least=FLOATS)
@settings(deadline=None)
def test_so_many_values_reach_the_edge_of_their_histogram(values, k, least):
    every, start = ints(np.array(values)), max(int(ints(np.array([least]))[0]), 1)
    edge = largest_sums._kth_by_bins(every, k, np.int32(start), np.empty(BINS + 1, np.int32))
    assert edge == start or (every >= edge).sum() >= k


@given(score=FLOATS, shift=FLOATS)
@settings(deadline=None)
def test_the_least_sum_that_reaches_a_score(score, shift):
    edge = np.uint64(ints(np.array([score]))[0]) << np.uint64(32)
    least = np.int32(largest_sums.least_sum(edge, np.float32(shift)))
    assert least >= 1
    assert least.view(np.float32) + np.float32(shift) >= np.float32(score)
    below = np.int32(least - 1).view(np.float32)
    assert least == 1 or below + np.float32(shift) < np.float32(score)


@pytest.mark.parametrize("k", [1, 10, 40, 4000])
@pytest.mark.parametrize("width", [1, 15, 16, 17, 1000, 4096, 20_001, 65_536])
def test_sums_that_may_be_among_the_largest(k, width):
    random = np.random.default_rng(width)
    sums = np.zeros(65_536, np.float32)
    sums[:width] = np.where(random.random(width) < 0.3, random.choice(np.linspace(0.1, 9, 2000), width), 0)
    expected = np.sort(sums)[::-1][:k]
    blocks, supers, found = np.zeros(4096 + 16, np.int32), np.empty(256, np.int32), np.empty(65_536, np.uint64)
    number = largest_sums.from_sums(sums.view(np.int32), width, k, np.int32(1), (blocks, supers, np.empty(BINS + 1, np.int32), found))
    taken = np.sort((found[:number] >> np.uint64(32)).astype(np.uint32).view(np.float32))[::-1]
    np.testing.assert_array_equal(taken[:k], expected[expected > 0][: len(taken[:k])])
    assert len(taken) >= (expected > 0).sum()
    assert not sums.any()


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_keys_are_taken_up_to_every_fill_of_their_room(shift):
    random = np.random.default_rng(0)
    for first in range(70):
        held, count, edge, every = np.full(64 + 8, 7, np.uint64), 0, np.uint64(0), []
        for base, size in ((0, first), (100, 1), (200, 64 - first if first < 64 else 3), (300, 20)):
            sums, places = ints(random.random(size) + 0.1), np.arange(size)
            found = (sums.astype(np.uint64) << np.uint64(32)) | (np.uint64(0xFFFFFFFF) - places.astype(np.uint64))
            count, edge = largest_sums.take(found, size, base, np.float32(shift), held[:64], count, edge, 5)
            every += (sums.view(np.float32) + np.float32(shift)).tolist()
        assert (held[64:] == 7).all()
        scores = (np.sort(held[:count])[::-1] >> np.uint64(32)).astype(np.uint32).view(np.float32)
        np.testing.assert_array_equal(scores[:5], np.sort(np.array(every, np.float32))[::-1][:5])
