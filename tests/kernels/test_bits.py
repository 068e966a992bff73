"""Packed bits against the floats they stand for: equal to the last bit, at every length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import ShapeError
from nearkin.kernels import bits as kernels


def made(n: int, dim: int, planes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (n, planes * dim)).astype(np.uint8)


def floats(symbols: np.ndarray, planes: int) -> np.ndarray:
    """b = sum_i 2^-i s_i, one symbol at a time."""
    dim = symbols.shape[1] // planes
    signs = symbols.astype(float) * 2 - 1
    return sum(2.0**-i * signs[:, i * dim : (i + 1) * dim] for i in range(planes))


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The twin in NumPy, on the floats."""
    return ((left @ right) / np.sqrt((left * left).sum(1) * (right @ right))).astype(np.float32)


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_packed_scores_equal_those_of_floats_bit_for_bit_at_every_length(planes):
    for dim in [*range(1, 1026, 1 if planes == 2 else 7), 1024, 1025]:
        symbols = made(6, dim, planes, seed=dim)
        packed, wide = kernels.packed(symbols, planes), floats(symbols, planes)
        np.testing.assert_array_equal(kernels.expanded(packed, dim), wide)
        square = kernels.squares(packed, dim)
        np.testing.assert_array_equal(square, (wide * wide).sum(1) * 4 ** (planes - 1))
        got = kernels.scores(packed, square, packed[0], square[0], dim)
        np.testing.assert_array_equal(got, cosines(wide, wide[0]))
        assert got[0] == 1


def test_hamming_distance_counts_the_bits_that_differ():
    for dim in (1, 7, 63, 64, 65, 200):
        symbols = made(9, dim, 1, seed=dim)
        packed = kernels.packed(symbols, 1)
        np.testing.assert_array_equal(kernels.hamming(packed, packed[2]), (symbols != symbols[2]).sum(1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12), st.integers(1, 5), st.sampled_from([3, 8, 70]))
def test_search_keeps_what_a_sort_keeps(seed, n, k, lists, dim):
    """Few dims make many equal scores, which go by row."""
    random = np.random.default_rng(seed)
    packed, queries = (kernels.packed(made(size, dim, 2, seed + size), 2) for size in (n, 5))
    square, asked = kernels.squares(packed, dim), kernels.squares(queries, dim)
    rows = random.permutation(n).astype(np.int32)
    barred = random.random(n) < 0.3
    offsets = np.concatenate([[0], np.sort(random.integers(0, n + 1, lists - 1)), [n]])
    asks = random.random((lists, 5)) < 0.6
    starts = np.concatenate([[0], asks.sum(1).cumsum()])
    best, found = np.full((5, k), -np.inf, np.float32), np.full((5, k), -1, np.int32)
    kernels.search(packed, square, rows, barred, offsets, queries, asked, dim, np.nonzero(asks)[1], starts, best, found)
    own = np.repeat(np.arange(lists), np.diff(offsets))
    for query in range(5):
        got = kernels.scores(packed, square, queries[query], asked[query], dim)
        places = [place for place in range(n) if asks[own[place], query] and not barred[rows[place]]]
        wanted = sorted((-got[place], rows[place]) for place in places)[:k]
        assert sorted(zip(-best[query], found[query], strict=True))[: len(wanted)] == wanted
        assert (found[query] >= 0).sum() == len(wanted)


def test_bits_that_are_not_whole_planes_are_refused():
    with pytest.raises(ShapeError, match="planes"):
        kernels.packed(made(2, 5, 1), 2)
