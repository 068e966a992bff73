"""LVQ against plain NumPy on all lengths, packed against expanded, and more levels against fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from nearkin.codecs.lvq import Lvq
from nearkin.codecs.two_level_lvq import TwoLevelLvq
from nearkin.errors import BadInput, ShapeError
from nearkin.kernels import lvq
from nearkin.tables import Vectors

LENGTHS = range(1, 1026)


def drawn(dim: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(dim).normal(size=(count, dim)).astype(np.float32)


def encoded(rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    symbols, steps, lows = np.empty(rows.shape, np.uint8), np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    lvq.encode(rows, most, symbols, steps, lows)
    return symbols, steps, lows


def encoded_plainly(rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same in NumPy."""
    lows, highs = rows.min(1), rows.max(1)
    steps = ((highs.astype(np.float64) - lows) / most).astype(np.float32)
    whole = (rows.astype(np.float64) - lows[:, None]) / np.where(steps > 0, steps, np.inf)[:, None].astype(np.float64)
    return np.clip(np.rint(whole), 0, most).astype(np.uint8), steps, lows


def products_plainly(symbols: np.ndarray, steps: np.ndarray, lows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The kernel's order of sums in NumPy."""
    terms, lanes = query * symbols.astype(np.float32), np.zeros((len(symbols), lvq.LANES), np.float32)
    for start in range(0, len(query), lvq.LANES):
        block = terms[:, start : start + lvq.LANES]
        lanes[:, : block.shape[1]] += block
    while lanes.shape[1] > 1:
        half = lanes.shape[1] // 2
        lanes = lanes[:, :half] + lanes[:, half:]
    return steps * lanes[:, 0] + lows * query.sum()


def test_encoding_equals_numpy_on_all_lengths():
    for dim in LENGTHS:
        rows, most = drawn(dim), (15, 255)[dim % 2]
        for ours, plain in zip(encoded(rows, most), encoded_plainly(rows, most)):
            np.testing.assert_array_equal(ours, plain)


def test_the_rest_equals_numpy_on_all_lengths():
    for dim in LENGTHS:
        rows, cells = drawn(dim), (15, 255)[dim % 2]
        symbols, steps, lows = encoded(rows, 15)
        rest = np.empty_like(symbols)
        lvq.encode_rest(rows, symbols, steps, lows, cells, rest)
        wide = steps.astype(np.float64)[:, None]
        left = rows.astype(np.float64) - lows.astype(np.float64)[:, None] - wide * symbols
        whole = np.rint(np.divide(left, wide / cells, out=np.zeros_like(left), where=wide > 0))
        np.testing.assert_array_equal(rest, np.clip(whole, -(cells // 2), cells // 2) + cells // 2)


def test_products_packed_and_expanded_equal_numpy_to_the_bit_on_all_lengths():
    for dim in LENGTHS:
        rows, query = drawn(dim), drawn(dim + 1, 1)[0, :dim]
        for most in (15, 255)[: 1 + (dim % 8 == 3)]:
            symbols, steps, lows = encoded(rows, most)
            found = np.empty(len(rows), np.float32)
            lvq.products(symbols, steps, lows, query, query.sum(), found)
            np.testing.assert_array_equal(found, products_plainly(symbols, steps, lows, query))
            if most == 15:
                packed, again = lvq.pack(symbols), np.empty(len(rows), np.float32)
                np.testing.assert_array_equal(lvq.unpack(packed, dim), symbols)
                lvq.packed_products(packed, steps, lows, query, query.sum(), again)
                np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("bits", [4, 8])
def test_scores_are_inner_products_with_what_is_decoded(bits):
    items, queries = Vectors(drawn(37, 50) + 2), Vectors(drawn(37, 7))
    codec = Lvq(bits=bits).fit(items)
    codes = codec(items)
    np.testing.assert_allclose(codec.scores(queries, codes), queries.rows @ codec.decode(codes).rows.T, rtol=1e-4, atol=1e-3)
    packed, factors = codec.packed(codes)
    assert packed.nbytes + factors.nbytes <= 50 * (-(-37 * bits // 8) + 8 + 8)


numbers = some.floats(-1e3, 1e3, width=32)


@settings(deadline=None)  # the first example compiles
@given(arrays(np.float32, some.tuples(some.integers(1, 6), some.integers(1, 20)), elements=numbers))
def test_more_levels_never_decode_worse(rows):
    items = Vectors(rows)
    slack = 1e-6 * (1 + np.abs(rows).max())

    def off(codec):
        return np.abs(codec.decode(codec(items)).rows - rows)

    four, eight = off(Lvq(bits=4).fit(items)), off(Lvq(bits=8).fit(items))
    fours, four_eight = off(TwoLevelLvq(second=4).fit(items)), off(TwoLevelLvq(second=8).fit(items))
    assert (eight <= four + slack).all()
    assert (fours <= four + slack).all()
    assert (four_eight <= fours + slack).all()


@settings(deadline=None)  # the first example compiles
@given(arrays(np.float32, some.tuples(some.integers(1, 6), some.integers(1, 20)), elements=numbers))
def test_no_number_is_off_by_more_than_half_a_step(rows):
    codec = Lvq(bits=8).fit(Vectors(rows))
    centred = rows - codec.mean_
    step = np.ptp(centred, axis=1, keepdims=True) / 255
    assert (np.abs(codec.decode(codec(Vectors(rows))).rows - rows) <= 0.5 * step + 1e-6 * (1 + np.abs(rows).max())).all()


def test_the_first_level_is_that_of_plain_lvq():
    items = Vectors(drawn(33, 40) - 5)
    both, plain = TwoLevelLvq().fit(items), Lvq(bits=4).fit(items)
    np.testing.assert_array_equal(both.first(both(items)).symbols, plain(items).symbols)
    np.testing.assert_array_equal(both.searching().decode(both.first(both(items))).rows, plain.decode(plain(items)).rows)


def test_constant_rows_and_half_floats_are_held():
    same = Vectors(np.full((4, 9), 3.5, np.float32))
    for codec in (Lvq(bits=4), Lvq(), TwoLevelLvq(), TwoLevelLvq(second=4)):
        np.testing.assert_allclose(codec.fit(same).decode(codec(same)).rows, 3.5, rtol=1e-6)
    half = Vectors(drawn(16, 30).astype(np.float16))
    codec = Lvq().fit(half)
    assert codec.decode(codec(half)).rows.dtype == np.float32
    np.testing.assert_allclose(codec.decode(codec(half)).rows, half.rows, atol=0.02)


def test_what_it_cannot_code_is_refused():
    items = Vectors(drawn(8, 5))
    with pytest.raises(BadInput, match="4 or 8"):
        Lvq(bits=5).fit(items)
    with pytest.raises(BadInput, match="4 or 8"):
        TwoLevelLvq(second=2).fit(items)
    with pytest.raises(BadInput, match="no vectors"):
        Lvq().fit(items.take([]))
    codec = Lvq().fit(items)
    with pytest.raises(ShapeError, match="dim 8"):
        codec(Vectors(drawn(9, 2)))
    with pytest.raises(ShapeError, match="dim 8"):
        codec.scores(Vectors(drawn(9, 2)), codec(items))
    with pytest.raises(ShapeError, match="8 symbols"):
        codec.decode(TwoLevelLvq().fit(items)(items))
