"""Sparse vectors: few numbers a thing, in compressed sparse rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from nearkin.errors import ShapeError
from nearkin.tables.catalog import Catalog
from nearkin.tables.vectors import check_count


class SparseVectors:
    """CSR: row i holds `values[offsets[i]:offsets[i+1]]` in the columns `columns[...]`, each column at most once and rising.

    offsets: int64 [n + 1]; columns: int32 [nnz], below `dim`; values: float32 [nnz], finite.
    """

    def __init__(self, offsets: np.ndarray, columns: np.ndarray, values: np.ndarray, dim: int, things: Catalog | None = None) -> None:
        self.offsets = np.asarray(offsets, np.int64)
        self.columns = np.asarray(columns, np.int32)
        self.values = np.asarray(values, np.float32)
        self.dim = int(dim)
        self.things = things
        self._check()

    def _check(self) -> None:
        if self.offsets.ndim != 1 or len(self.offsets) < 1 or self.offsets[0] != 0 or (np.diff(self.offsets) < 0).any():
            raise ShapeError("offsets must start at 0 and never fall; int64 [n + 1] expected")
        if len(self.columns) != len(self.values) or self.offsets[-1] != len(self.values):
            raise ShapeError(f"{len(self.columns)} columns, {len(self.values)} values and a last offset of {self.offsets[-1]} do not agree")
        if len(self.columns) and (self.columns.min() < 0 or self.columns.max() >= self.dim):
            raise ShapeError(f"columns lie in [{self.columns.min()}, {self.columns.max()}], expected [0, {self.dim})")
        rising = np.diff(self.columns.astype(np.int64)) > 0
        starts = self.offsets[1:-1]
        rising[starts[(starts > 0) & (starts < len(self.columns))] - 1] = True
        if not rising.all():
            row = int(np.searchsorted(self.offsets, np.argmin(rising) + 1, side="right")) - 1
            raise ShapeError(f"the columns of row {row} are not rising; sort them and add up repeated ones")
        if not np.isfinite(self.values).all():
            row = int(np.searchsorted(self.offsets, int(np.argmin(np.isfinite(self.values))), side="right")) - 1
            raise ShapeError(f"row {row} holds NaN or inf; vectors must be finite")
        check_count(len(self), self.things)

    @classmethod
    def from_scipy(cls, matrix: object, things: Catalog | None = None) -> Self:
        """From any SciPy sparse matrix [n, dim]; repeated entries are summed."""
        rows = matrix.tocsr()  # type: ignore[attr-defined]
        rows.sum_duplicates()
        return cls(rows.indptr, rows.indices, rows.data, rows.shape[1], things)

    def to_scipy(self) -> object:
        """As a SciPy CSR array [n, dim]; shares memory."""
        from scipy.sparse import csr_array

        return csr_array((self.values, self.columns, self.offsets), shape=(len(self), self.dim))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"SparseVectors({len(self):,} x {self.dim}, {len(self.values):,} numbers)"

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The vectors (and things) at these rows."""
        wanted = np.asarray(rows, np.int64)
        lengths = np.diff(self.offsets)[wanted]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.offsets[wanted] - offsets[:-1], lengths) + np.arange(offsets[-1])
        things = None if self.things is None else self.things.take(wanted)
        return type(self)(offsets, self.columns[places], self.values[places], self.dim, things)
