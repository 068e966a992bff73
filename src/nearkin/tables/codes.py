"""Codes: integer symbols a thing, each level with its own codebook."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.tables.catalog import Catalog
from nearkin.tables.vectors import check_count


class Codes:
    """`symbols`: integers [n, levels] with 0 <= symbols[:, l] < codebook_sizes[l]; kept in the smallest unsigned type that fits."""

    def __init__(self, symbols: np.ndarray, codebook_sizes: Sequence[int], things: Catalog | None = None) -> None:
        symbols = np.asarray(symbols)
        sizes = np.asarray(codebook_sizes, np.int64)
        if symbols.ndim != 2 or symbols.dtype.kind not in "iub" or symbols.shape[1] != len(sizes):
            raise ShapeError(f"codes are integers [n, {len(sizes)}], one column a codebook; got {symbols.dtype} {list(symbols.shape)}")
        bad = np.flatnonzero(((symbols < 0) | (symbols >= sizes)).any(1))
        if len(bad):
            raise ShapeError(f"row {bad[0]} holds {symbols[bad[0]].tolist()}; each symbol must be at least 0 and below {sizes.tolist()}")
        self.symbols = symbols.astype(np.min_scalar_type(int(sizes.max(initial=1)) - 1), copy=False)
        self.codebook_sizes = tuple(int(size) for size in sizes)
        self.things = things
        check_count(len(self), things)

    @classmethod
    def from_bits(cls, packed: np.ndarray, levels: int, things: Catalog | None = None) -> Self:
        """From uint8 [n, ceil(levels / 8)], most significant bit first, to symbols 0 and 1."""
        if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] != -(-levels // 8):
            raise ShapeError(f"packed bits are uint8 [n, {-(-levels // 8)}] for {levels} levels, got {packed.dtype} {list(packed.shape)}")
        return cls(np.unpackbits(packed, axis=1, count=levels), [2] * levels, things)

    def packed(self) -> np.ndarray:
        """Bits, eight levels a byte, most significant first: uint8 [n, ceil(levels / 8)]. Refused: codebooks larger than 2."""
        if max(self.codebook_sizes, default=2) > 2:
            raise ShapeError(f"only codes of two symbols pack to bits; the codebook sizes are {self.codebook_sizes}")
        return np.packbits(self.symbols.astype(bool), axis=1)

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"Codes({len(self):,} x {self.levels}, codebooks {self.codebook_sizes[:8]})"

    @property
    def levels(self) -> int:
        """Symbols a thing."""
        return len(self.codebook_sizes)

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The codes (and things) at these rows."""
        return type(self)(self.symbols[np.asarray(rows)], self.codebook_sizes, None if self.things is None else self.things.take(rows))

    @cached_property
    def is_unique(self) -> bool:
        """Whether no two things share a code."""
        return len(np.unique(self.symbols, axis=0)) == len(self)

    @cached_property
    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows in code order, and their codes."""
        rows = np.lexsort(self.symbols.T[::-1])
        return rows, self.symbols[rows]

    def with_prefix(self, prefix: Sequence[int]) -> np.ndarray:
        """Rows whose code starts with the prefix, in code order: int64 [m]. Cost: two binary searches a level."""
        rows, ordered = self._in_order
        low, high = 0, len(self)
        for level, symbol in enumerate(prefix):
            run = ordered[low:high, level]
            low, high = low + int(np.searchsorted(run, symbol, "left")), low + int(np.searchsorted(run, symbol, "right"))
        return rows[low:high]

    def next_symbols(self, prefix: Sequence[int]) -> np.ndarray:
        """The symbols that may follow the prefix in the prefix tree, rising. Refused: codes that are not unique, a full prefix."""
        if not self.is_unique:
            raise BadInput("several things share a code, so the codes form no prefix tree; add a level that tells them apart")
        if len(prefix) >= self.levels:
            raise ShapeError(f"a prefix is shorter than {self.levels} symbols, got {len(prefix)}")
        return np.unique(self.symbols[self.with_prefix(prefix), len(prefix)])
