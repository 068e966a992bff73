"""Which rows a filter holds for, by the rules of SQL: what is compared with nothing is neither true nor false, and so is left out."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.service.where import Every, No, Some, Test, Tree
from nearkin.tables import flattened

_COMPARE = {"=": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def mask(tree: Tree, table: pa.Table) -> np.ndarray:
    """bool [n]: the rows of the table that the filter holds for."""
    return np.asarray(pc.fill_null(_held(tree, table), False)).astype(bool, copy=False)


def _held(tree: Tree, table: pa.Table) -> Any:
    """True, false or null a row."""
    if isinstance(tree, Every | Some):
        join = pc.and_kleene if isinstance(tree, Every) else pc.or_kleene
        return reduce(join, [_held(part, table) for part in tree.parts])
    if isinstance(tree, No):
        return pc.invert(_held(tree.part, table))
    return _tested(tree, table[tree.field])


def _tested(test: Test, column: pa.ChunkedArray) -> Any:
    if test.how == "null":
        return pc.is_null(column)
    if test.how == "has":
        return _has(column, test.values[0])
    if test.how == "like":
        return pc.match_like(column, test.values[0])
    if test.how == "in":
        return _one_of(column, test.values)
    if test.how == "between":
        low, high = (_scalar(value, column.type) for value in test.values)
        return pc.and_kleene(pc.greater_equal(column, low), pc.less_equal(column, high))
    return _COMPARE[test.how](column, _scalar(test.values[0], column.type))


def _one_of(column: pa.ChunkedArray, values: tuple[Any, ...]) -> Any:
    if pa.types.is_integer(column.type) and any(isinstance(value, float) for value in values):
        column = column.cast(pa.float64())
    wanted = pa.array([float(value) if pa.types.is_floating(column.type) else value for value in values]).cast(column.type)
    return pc.if_else(pc.is_valid(column), pc.is_in(column, value_set=wanted), pa.scalar(None, pa.bool_()))


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(value).cast(kind) if isinstance(value, str) else pa.scalar(value)


def _has(lists: pa.ChunkedArray, value: Any) -> pa.Array:
    """Whether each list holds the value; null for no list."""
    owners, flat = flattened(lists)
    found = np.zeros(len(lists), bool)
    found[owners[np.asarray(pc.fill_null(pc.equal(flat, _scalar(value, lists.type.value_type)), False))]] = True
    return pc.if_else(pc.is_valid(lists), pa.array(found), pa.scalar(None, pa.bool_()))
