"""Columns of lists and of single values, taken apart alike."""

from __future__ import annotations

import pyarrow as pa
import pytest

from nearkin.tables import flattened, is_list


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string())])
def test_lists_in_several_chunks_keep_their_rows(kind):
    column = pa.chunked_array([pa.array([["a", "b"], None], kind), pa.array([[], ["c"]], kind)])
    rows, values = flattened(column)
    assert is_list(kind)
    assert rows.tolist() == [0, 0, 3]
    assert values.to_pylist() == ["a", "b", "c"]


def test_single_values_are_one_a_row_nulls_too():
    rows, values = flattened(pa.chunked_array([["a"], [None, "b"]]))
    assert not is_list(pa.string())
    assert rows.tolist() == [0, 1, 2]
    assert values.to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize("kind", [pa.int64(), pa.list_(pa.int64())])
def test_a_column_without_chunks_has_no_values(kind):
    rows, values = flattened(pa.chunked_array([], kind))
    assert len(rows) == len(values) == 0
