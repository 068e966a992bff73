"""Scores by tables against sums written out with NumPy."""

import numpy as np
import pytest

from nearkin.kernels.pq import BLOCK, nibble_scores, packed_nibbles, table_scores


def twin(symbols, tables):
    """Every table entry looked up first, then added up level by level: float32 [q, n]."""
    return np.add.accumulate(tables[:, np.arange(symbols.shape[1]), symbols], axis=2)[:, :, -1]


def drawn(levels, size, rows=3, queries=2):
    random = np.random.default_rng(levels)
    symbols = random.integers(0, size, (rows, levels)).astype(np.uint8)
    return symbols, random.normal(size=(queries, levels, size)).astype(np.float32)


def test_equal_to_numpy_bit_for_bit_at_all_lengths():
    for levels in range(1, 1026):
        symbols, tables = drawn(levels, 16)
        scores, by_nibble = np.empty((2, 3), np.float32), np.empty((2, 3), np.float32)
        table_scores(symbols, tables, scores)
        nibble_scores(packed_nibbles(symbols), levels, tables, by_nibble)
        np.testing.assert_array_equal(scores, twin(symbols, tables))
        np.testing.assert_array_equal(by_nibble, scores)


@pytest.mark.parametrize("rows", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_every_block_is_scored(rows):
    symbols, tables = drawn(6, 256, rows)
    scores = np.full((2, rows), np.nan, np.float32)
    table_scores(symbols, tables, scores)
    np.testing.assert_array_equal(scores, twin(symbols, tables))


def test_two_symbols_fill_a_byte():
    np.testing.assert_array_equal(packed_nibbles(np.array([[1, 2, 3]], np.uint8)), [[0x21, 0x03]])
    assert packed_nibbles(np.zeros((4, 10), np.uint8)).shape == (4, 5)
