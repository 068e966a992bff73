"""Categories, lists, numbers and dates as sparse vectors: a column a value, a column a bin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput, listed
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, SparseVectors, flattened
from nearkin.tables.times import seconds_of

ROLES = ("category", "number", "time")


@dataclass(kw_only=True)
class Fields(Encoder):
    """What a thing is, apart from its words: one column a category value, one a bin of a number or date.

    Catalog[n] -> SparseVectors[n, dim]. In each field that a thing fills, its values share a length of 1: m values of a list get
    1 / sqrt(m) each, a number 1 in its bin (bins hold equally many of the numbers seen at fit; equal numbers share one). A value not
    seen at fit, or not among the `most` commonest, goes to the field's bucket for the unknown; an empty field adds nothing. The dot
    product of two things so counts the fields in which they agree.
    Cost: one dictionary look-up a value. Refused: a field that is not there at fit, or has none of the roles category, number, time;
    at use a field may be absent and is then empty.
    """

    gives = SparseVectors

    fields: tuple[str, ...] = ()  # all with the roles category, number and time when empty
    most: int = 10_000  # category values with a column of their own, a field
    bins: int = 10  # of numbers and dates
    known_: dict[str, list[Any]] | None = learned()  # a field's category values, or the inner edges of its bins (all floats)

    def fit(self, catalog: Catalog) -> Self:
        """Learn the values and the bins."""
        names = self.fields or tuple(catalog.fields(*ROLES))
        wrong = [name for name in names if catalog.roles.get(name) not in ROLES]
        if wrong or not names:
            raise BadInput(
                f"Fields reads fields with the roles {', '.join(ROLES)}; {listed(wrong) or 'no field'} of {catalog.roles} is one"
            )
        self.known_ = {
            name: _common(catalog.column(name), self.most) if catalog.roles[name] == "category" else _edges(catalog, name, self.bins)
            for name in names
        }
        return self

    @property
    def dim(self) -> int:
        """Columns of all fields: values and the unknown, or bins."""
        return sum(len(known) + 1 for known in (fitted(self).known_ or {}).values())

    @property
    def names(self) -> list[str]:
        """What each column stands for, as text: `brand = Acme`, `brand = ?`, `price < 10`."""
        return [label for name, known in (fitted(self).known_ or {}).items() for label in _labels(name, known)]

    def __call__(self, catalog: Catalog) -> SparseVectors:
        parts, base = [], 0
        for name, known in (fitted(self).known_ or {}).items():
            if name in catalog.roles:
                rows, columns = _binned(catalog, name, known) if _numeric(known) else _looked_up(catalog.column(name), known)
                parts.append((rows, columns + base))
            base += len(known) + 1
        return _sparse(parts, base, catalog)


def _numeric(known: list[Any]) -> bool:
    return bool(known) and isinstance(known[0], float)


def _common(column: pa.ChunkedArray, most: int) -> list[str]:
    """The commonest values, then those first in the alphabet; in the order of the alphabet."""
    counts = _flat(column)[1].value_counts()
    ranked = sorted((-each["counts"], each["values"]) for each in counts.to_pylist())
    return sorted(value for _, value in ranked[:most])


def _edges(catalog: Catalog, name: str, bins: int) -> list[float]:
    """The inner edges of the bins; -inf in front tells them from category values even when there is no other."""
    values = seconds_of(catalog.column(name), name)
    values = values[np.isfinite(values)]
    inner = np.unique(np.quantile(values, np.arange(1, bins) / bins)) if len(values) else np.empty(0)
    return [-float(np.finfo(np.float64).max), *inner[inner > values.min(initial=np.inf)].tolist()]


def _flat(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """The row of each value, and the values as strings without nulls."""
    rows, values = flattened(column)
    kept = np.asarray(values.is_valid())
    return rows[kept], values.filter(pa.array(kept)).cast(pa.string())


def _looked_up(column: pa.ChunkedArray, known: list[str]) -> tuple[np.ndarray, np.ndarray]:
    rows, values = _flat(column)
    found = pc.index_in(values, value_set=pa.array(known, pa.string())).fill_null(len(known))
    return rows, np.asarray(found).astype(np.int64)


def _binned(catalog: Catalog, name: str, known: list[float]) -> tuple[np.ndarray, np.ndarray]:
    values = seconds_of(catalog.column(name), name)
    rows = np.flatnonzero(np.isfinite(values))
    return rows, np.searchsorted(np.array(known), values[rows], side="right")


def _labels(name: str, known: list[Any]) -> Iterable[str]:
    if not _numeric(known):
        return [*(f"{name} = {value}" for value in known), f"{name} = ?"]
    inner = known[1:]
    return [f"{name} < -inf", *(f"{name} < {edge:g}" for edge in inner), f"{name} >= {inner[-1]:g}" if inner else f"{name} is there"]


def _sparse(parts: list[tuple[np.ndarray, np.ndarray]], dim: int, catalog: Catalog) -> SparseVectors:
    """Each part's values share a length of 1 in each row; a value that stands twice counts once."""
    rows, columns, values = [], [], []
    for part_rows, part_columns in parts:
        keys = np.unique(part_rows * dim + part_columns)
        rows.append(keys // dim)
        columns.append(keys % dim)
        values.append(1 / np.sqrt(np.bincount(rows[-1], minlength=len(catalog)))[rows[-1]])
    if not parts:
        return SparseVectors(np.zeros(len(catalog) + 1), np.empty(0), np.empty(0), dim, catalog)
    joined, column, value = (np.concatenate(each) for each in (rows, columns, values))
    order = np.lexsort((column, joined))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(joined, minlength=len(catalog)))])
    return SparseVectors(offsets, column[order], value[order], dim, catalog)
