"""Packed rows against NumPy: products, codes and lists, on all lengths."""

import numpy as np
import pytest
from numba import njit

from nearkin.kernels import packed as packed_module
from nearkin.kernels.falling import best_columns, put
from nearkin.kernels.packed import FACTORS, aligned, dots, pack_width, room_of, spread, spread_row, spread_rows, unpacked
from nearkin.kernels.two_levels import decode, encode, nearest, prepare, score, second_width


def packed_rows(symbols: np.ndarray, scales: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The layout, in NumPy."""
    rows = aligned((len(symbols), pack_width(symbols.shape[1])), np.uint8)
    half = rows.shape[1] - FACTORS
    rows[:, : min(half, symbols.shape[1])] = symbols[:, :half]
    rows[:, : max(symbols.shape[1] - half, 0)] |= symbols[:, half:] << 4
    rows.view(np.float32)[:, -2:] = np.stack([scales, offsets], axis=1)
    return rows


def random_rows(count, dim, seed=0):
    random = np.random.default_rng(seed)
    symbols = random.integers(0, 16, (count, dim)).astype(np.uint8)
    return symbols, packed_rows(symbols, *random.normal(size=(2, count)).astype(np.float32))


def test_products_equal_numpy_on_all_lengths():
    random = np.random.default_rng(1)
    for dim in range(1, 1026):
        symbols, rows = random_rows(3, dim, dim)
        query = random.integers(-127, 128, (1, dim)).astype(np.int8)
        query[0, ::3] = 127  # the largest sums
        symbols[0], rows[0] = 15, packed_rows(np.full((1, dim), 15, np.uint8), np.ones(1), np.ones(1))[0]
        found = np.empty(3, np.int32)
        dots(rows, spread(query, rows.shape[1])[0], found)
        np.testing.assert_array_equal(found, symbols.astype(np.int64) @ query[0])
        np.testing.assert_array_equal(unpacked(rows, dim), symbols)


def test_products_without_the_processors_own_instruction(monkeypatch):
    """What other processors than those with AVX2 run."""
    monkeypatch.setattr(packed_module, "_AVX2", False)

    @njit
    def plain(rows, query, lines):
        return packed_module.dot(rows.ctypes.data, query.ctypes.data, lines)

    for dim in (1, 63, 112, 240, 241, 1025):
        symbols, rows = random_rows(1, dim)
        query = np.random.default_rng(2).integers(-127, 128, (1, dim)).astype(np.int8)
        assert plain(rows, spread(query, rows.shape[1]), rows.shape[1] // 64) == int(symbols[0].astype(np.int64) @ query[0])


def test_rows_of_memory_maps_may_start_anywhere():
    symbols, rows = random_rows(5, 112)
    raw = np.zeros(rows.nbytes + 1, np.uint8)
    odd = raw[1:].reshape(rows.shape)
    odd[:] = rows
    query = spread(np.full((1, 112), 3, np.int8), 64)
    found = np.empty(5, np.int32)
    dots(odd, query[0], found)
    np.testing.assert_array_equal(found, 3 * symbols.sum(1, dtype=np.int64))


def test_a_row_spread_multiplies_symbols():
    symbols, rows = random_rows(4, 200)
    query, found = aligned((2 * rows.shape[1],), np.int8), np.empty(4, np.int32)
    spread_row(rows[1], query)
    dots(rows, query, found)
    np.testing.assert_array_equal(found, symbols.astype(np.int64) @ symbols[1])


def test_rows_as_queries_point_where_they_point():
    _, rows = random_rows(6, 240)
    queries, sums = spread_rows(rows, 240)
    decoded = unpacked(rows, 240) * rows.view(np.float32)[:, -2:-1] + rows.view(np.float32)[:, -1:]
    found = np.empty(6, np.int32)
    dots(rows, queries[2], found)
    keys = found * rows.view(np.float32)[:, -2] + sums[2] * rows.view(np.float32)[:, -1]
    exact = decoded @ decoded[2] * (127 / np.abs(decoded[2]).max())
    np.testing.assert_allclose(keys, exact, rtol=0.02, atol=0.02 * np.abs(exact).max())


@pytest.mark.parametrize(("dim", "total"), [(1, 1), (16, 16), (96, 384), (112, 113), (240, 384), (300, 301)])
def test_two_levels_decode_closely_and_score_what_they_decode(dim, total):
    random = np.random.default_rng(dim)
    rows = random.normal(size=(50, total)).astype(np.float32)
    width = pack_width(dim)
    packed, second = aligned((50, width), np.uint8), np.zeros((50, second_width(total, dim, width)), np.uint8)
    encode(rows, dim, packed, second)
    decoded = np.empty_like(rows)
    decode(packed, second, dim, decoded)
    steps = (rows[:, :dim].max(1) - rows[:, :dim].min(1)) / 15
    assert (np.abs(decoded - rows)[:, :dim] <= steps[:, None] / 64 * 0.51 + 1e-5).all()  # 4 bits, then 6 bits of the rest
    assert (np.abs(decoded - rows)[:, dim:] <= np.ptp(rows[:, dim:], axis=1)[:, None] / 255 * 0.51 + 1e-5).all() if total > dim else True
    queries = random.normal(size=(7, total)).astype(np.float32)
    walking, sums, factors = aligned((7, 2 * width), np.int8), np.empty(7, np.float32), np.empty((7, 3), np.float32)
    ranking = np.zeros((7, room_of(width) + total - dim), np.int16)
    prepare(queries, queries, dim, walking, sums, ranking, factors)
    everything, scores = np.tile(np.arange(50, dtype=np.int32), (7, 1)), np.empty((7, 50), np.float32)
    everything[0, 3] = -1
    score(packed, second, ranking, factors, everything, scores)
    assert scores[0, 3] == -np.inf
    exact = queries @ decoded.T
    exact[0, 3] = -np.inf
    np.testing.assert_allclose(scores, exact, atol=2e-3 * np.sqrt(total), rtol=1e-3)
    best = np.empty((7, 5), np.int32)
    nearest(packed, np.arange(50, dtype=np.int32), walking, sums, best)
    first = unpacked(packed, dim) * packed.view(np.float32)[:, -2:-1] + packed.view(np.float32)[:, -1:]
    approximate = queries[:, :dim] @ first.T
    scale = np.abs(queries[:, :dim]).max(1) / 127 * np.abs(first).max() * np.sqrt(dim) + 1e-4
    assert (np.take_along_axis(approximate, best, 1)[:, -1] >= np.sort(approximate, axis=1)[:, -5] - 3 * scale).all()


def test_constant_rows_and_zero_queries_are_coded():
    rows = np.zeros((2, 20), np.float32)
    rows[1] = 0.25
    packed, second = aligned((2, pack_width(16)), np.uint8), np.zeros((2, second_width(20, 16, 64)), np.uint8)
    encode(rows, 16, packed, second)
    decoded = np.empty_like(rows)
    decode(packed, second, 16, decoded)
    np.testing.assert_allclose(decoded, rows, atol=0.04)
    walking, sums, factors = aligned((1, 128), np.int8), np.empty(1, np.float32), np.empty((1, 3), np.float32)
    prepare(np.zeros((1, 20), np.float32), np.zeros((1, 20), np.float32), 16, walking, sums, np.zeros((1, 116), np.int16), factors)
    assert sums[0] == 0
    assert not walking.any()


def test_falling_lists_keep_the_largest():
    random = np.random.default_rng(0)
    keys = random.normal(size=200).astype(np.float32)
    ids, kept, size = np.full(9, -1, np.int32), np.empty(9, np.float32), 0
    for row, key in enumerate(keys):
        size = put(ids, kept, size, row, key)
        assert size == min(row + 1, 9)
    np.testing.assert_array_equal(ids, np.argsort(-keys, kind="stable")[:9])
    columns = np.empty((3, 4), np.int32)
    table = random.normal(size=(3, 50)).astype(np.float32)
    best_columns(table, columns)
    np.testing.assert_array_equal(columns, np.argsort(-table, axis=1)[:, :4])
