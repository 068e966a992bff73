"""The k largest of many keys, against NumPy, where scores crowd together."""

import numpy as np
import pytest

from nearkin.kernels.ranked import BINS, keep_largest, push, row_of, sort_falling, take_ordered

SCORES = {
    "spread": lambda random, size: random.gamma(2, 2, size),
    "equal": lambda random, size: np.full(size, 3.25),
    "few": lambda random, size: random.choice([0.5, 1.0, 7.0], size),
    "one far off": lambda random, size: np.append(random.random(size - 1), 1e30),
    "hardly apart": lambda random, size: 1 + random.random(size) * 1e-6,
    "tiny": lambda random, size: random.random(size) * 1e-42,
}


def keys(scores: np.ndarray) -> np.ndarray:
    bits = scores.astype(np.float32).view(np.uint32).astype(np.uint64)
    return (bits << np.uint64(32)) | (np.uint64(0xFFFFFFFF) - np.arange(len(scores), dtype=np.uint64))


@pytest.mark.parametrize("kind", SCORES)
def test_the_largest_in_order(kind):
    random, bins = np.random.default_rng(0), np.empty(BINS + 1, np.int32)
    for size in [*range(1, 200, 7), 1024, 1025, 5000]:
        every = random.permutation(keys(SCORES[kind](random, size)))
        for k in {1, 10, size // 3 + 1, size, size + 5}:
            spare = np.empty(size, np.uint64)
            count = take_ordered(every.copy(), size, k, spare, bins)
            np.testing.assert_array_equal(spare[:count], np.sort(every)[::-1][:k])


def test_every_length_is_sorted_and_cut():
    random = np.random.default_rng(1)
    for size in range(1, 1026):
        every = random.integers(0, 2**63, size, dtype=np.uint64)
        some, k = every.copy(), 1 + size // 2
        keep_largest(some, size, k)
        assert set(some[:k]) == set(np.sort(every)[::-1][:k])
        assert some[k - 1] == some[:k].min()
        sort_falling(every, size)
        assert (np.diff(every.astype(np.float64)) <= 0).all()


def test_a_stream_leaves_its_largest():
    stream, held, count, floor = np.random.default_rng(2).permutation(500).astype(np.uint64), np.empty(20, np.uint64), 0, np.uint64(0)
    for key in stream:
        if key > floor:
            count, floor = push(held, count, floor, key, 7)
    assert set(np.sort(held[:count])[::-1][:7]) == set(range(493, 500))


def test_rows_come_back_from_keys():
    assert [int(row_of(key)) for key in keys(np.ones(3))] == [0, 1, 2]
