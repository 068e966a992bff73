import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Catalog, Codes, Hits, RaggedVectors, SparseVectors, Vectors, best, unit


def test_unit_rows_have_length_one_and_zero_stays_zero():
    rows = unit(np.array([[3, 4], [0, 0]], np.float32))
    assert rows.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_name_the_row_that_is_not_finite(bad):
    rows = np.zeros((70_000, 2), np.float32)
    rows[66_001, 1] = bad
    with pytest.raises(ShapeError, match="row 66001"):
        Vectors(rows)


@pytest.mark.parametrize("rows", [np.zeros(3, np.float32), np.zeros((2, 2)), np.zeros((2, 2), int), [[1.0]]])
def test_vectors_of_another_shape_or_type_are_refused(rows):
    with pytest.raises(ShapeError, match="float32"):
        Vectors(rows)


def test_a_memory_map_is_not_copied(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float16, (5, 3))
    assert Vectors(rows).rows is rows


def test_counts_must_agree_with_the_things():
    with pytest.raises(ShapeError, match="2 rows for 1"):
        Vectors(np.zeros((2, 2), np.float32), Catalog.of(["a"]))


@given(hnp.arrays(np.float32, (6, 5), elements=st.sampled_from([0, 0, 1, 2])), st.permutations(range(6)))
def test_sparse_rows_equal_dense_ones(dense, order):
    vectors = SparseVectors.from_scipy(sp.csr_array(dense))
    assert (vectors.take(order).to_scipy().toarray() == dense[list(order)]).all()


@pytest.mark.parametrize(
    ("offsets", "columns", "values", "says"),
    [
        ([0, 2], [1, 0], [1, 1], "row 0 are not rising"),
        ([0, 1, 3], [1, 2, 2], [1, 1, 1], "row 1 are not rising"),
        ([0, 1], [9], [1], "columns lie in"),
        ([0, 1], [0], [np.nan], "row 0 holds NaN"),
        ([1, 1], [], [], "start at 0"),
        ([0, 2], [0], [1], "do not agree"),
    ],
)
def test_bad_sparse_vectors_are_refused(offsets, columns, values, says):
    with pytest.raises(ShapeError, match=says):
        SparseVectors(np.array(offsets), np.array(columns), np.array(values, np.float32), 4)


def test_ragged_rows_keep_their_owner():
    vectors = RaggedVectors(np.arange(10, dtype=np.float32).reshape(5, 2), np.array([0, 2, 2, 5]))
    taken = vectors.take([2, 0, 1])
    assert [len(taken.of(row)) for row in range(3)] == [3, 2, 0]
    assert taken.of(1).tolist() == vectors.of(0).tolist()
    with pytest.raises(ShapeError, match="last offset"):
        RaggedVectors(np.zeros((2, 2), np.float32), np.array([0, 1]))


def test_codes_name_the_row_out_of_range_and_pack_to_bits():
    with pytest.raises(ShapeError, match="row 1"):
        Codes(np.array([[0, 1], [2, 0]]), [2, 2])
    bits = np.random.default_rng(0).integers(0, 2, (4, 11))
    codes = Codes(bits, [2] * 11)
    assert (Codes.from_bits(codes.packed(), 11).symbols == bits).all()


@given(hnp.arrays(np.int64, (12, 3), elements=st.integers(0, 2)), st.lists(st.integers(0, 2), max_size=3))
def test_prefixes_find_what_a_loop_finds(symbols, prefix):
    codes = Codes(symbols, [3, 3, 3])
    wanted = [row for row in range(12) if symbols[row, : len(prefix)].tolist() == prefix]
    assert sorted(codes.with_prefix(prefix).tolist()) == wanted
    if codes.is_unique and len(prefix) < 3:
        assert codes.next_symbols(prefix).tolist() == sorted({int(symbols[row, len(prefix)]) for row in wanted})


def test_codes_that_are_not_unique_form_no_tree():
    with pytest.raises(BadInput, match="share a code"):
        Codes(np.zeros((2, 1), int), [1]).next_symbols([])


@given(hnp.arrays(np.float32, (3, 7), elements=st.sampled_from([-np.inf, 0, 1, 2, 3])), st.integers(0, 8))
def test_best_equals_a_sorted_loop_with_ties_by_row(scores, k):
    hits = best(scores, k, queries=None, items=None)
    for query in range(3):
        wanted = sorted((-score, row) for row, score in enumerate(scores[query].tolist()) if score > -np.inf)[:k]
        assert [(-score, row) for score, row in zip(hits.scores[query].tolist(), hits.rows[query].tolist()) if row >= 0] == wanted


@pytest.mark.parametrize(
    ("rows", "scores", "says"),
    [
        ([[0, 1]], [[1, 2]], "not best first"),
        ([[1, 0]], [[1, 1]], "not best first"),
        ([[0, 0]], [[2, 1]], "twice"),
        ([[0, 9]], [[2, 1]], "row 9"),
        ([[0, 1]], [[np.nan, 1]], "NaN"),
        ([[-1, 0]], [[2, 1]], "not best first"),
    ],
)
def test_bad_hits_are_refused(rows, scores, says):
    with pytest.raises(ShapeError, match=says):
        Hits(np.array(rows), np.array(scores, np.float32), None, Catalog.of(["a", "b"]))


def test_hits_speak_in_ids():
    hits = Hits(np.array([[1, 0], [0, -1]]), np.array([[2, 1], [3, 0]], np.float32), Catalog.of(["p", "q"]), Catalog.of(["a", "b"]))
    assert [tuple(hit) for hit in hits] == [("p", "b", 1, 2.0), ("p", "a", 2, 1.0), ("q", "a", 1, 3.0)]
    assert hits.to_links().pairs() == [("p", "b"), ("p", "a"), ("q", "a")]
    assert hits.take([1]).ids() == [["a"]]
