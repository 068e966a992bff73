"""The numbers of rows: `_seq`, rising with every write, and where the rows of a fragment stand by them.

No other row ever had or will have the number of one: it is the version that wrote the row, shifted, plus its place in that write.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from nearkin.kernels.list_merge import left_out

SEQ = "_seq"
_SHIFT = 28  # a write may hold 2**28 rows, and there may be 2**35 versions
ADDRESS = "_rowaddr"  # of a row in a dataset: its fragment, shifted by 32 bits, and its place there


def version_of(seq: int) -> int:
    """The version that wrote the row with this number."""
    return seq >> _SHIFT


def numbered(table: pa.Table, version: int) -> pa.Table:
    """The rows with the numbers that this version gives them."""
    return table.append_column(SEQ, pa.array((version << _SHIFT) + np.arange(len(table), dtype=np.int64)))


class Span(NamedTuple):
    """The least and the largest number in a fragment; base: what to take from a number to have its row there, where that holds for all."""

    low: int
    high: int
    base: int | None

    @classmethod
    def of(cls, seqs: np.ndarray, base: int | None = None) -> Self:
        """Of the numbers in a fragment."""
        return cls(int(seqs.min()), int(seqs.max()), base)


def spans_of(table: pa.Table) -> dict[int, Span]:
    """The span of each fragment, of a table with numbers and addresses."""
    addresses, seqs = table[ADDRESS].to_numpy(), table[SEQ].to_numpy()
    owner, bases = addresses >> np.uint64(32), seqs - (addresses & np.uint64(0xFFFFFFFF)).astype(np.int64)
    spans = {}
    for number in np.unique(owner):
        own = bases[owner == number]
        spans[int(number)] = Span.of(seqs[owner == number], int(own[0]) if (own == own[0]).all() else None)
    return spans


def lacking(held: np.ndarray, alive: np.ndarray, spans: list[Span]) -> np.ndarray:
    """The numbers held, within these spans, that are not alive; all rise."""
    within = np.zeros(len(held), bool)
    for span in spans:
        within[slice(*np.searchsorted(held, (span.low, span.high + 1)))] = True
    some: np.ndarray = held[within]
    return np.compress(left_out(some, alive), some)
