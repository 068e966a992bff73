"""How often each value of a field stands among rows: exact over a filter, and over a pool of hits whose size is fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.service.limits import FACET_VALUES
from nearkin.tables import flattened, is_list


@dataclass(frozen=True)
class Values:
    """owners: int64 [m], the row of each value, rising; codes: int32 [m], which of `names` it is."""

    owners: np.ndarray
    codes: np.ndarray
    names: list[Any]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Self:
        """The values of a field, one or several a row; nulls are none."""
        owners, flat = flattened(column)
        there = np.asarray(pc.is_valid(flat)).astype(bool)
        coded = pc.dictionary_encode(flat.filter(pa.array(there)))
        return cls(owners[there].astype(np.int64), np.asarray(coded.indices).astype(np.int32), coded.dictionary.to_pylist())

    def counts(self, keep: np.ndarray | None) -> np.ndarray:
        """int64 [names]: the rows kept that hold each value (a value twice in one row counts twice)."""
        codes = self.codes if keep is None else self.codes[keep[self.owners]]
        return np.bincount(codes, minlength=len(self.names))

    def counts_of(self, rows: np.ndarray) -> np.ndarray:
        """The same for a few rows."""
        low, high = np.searchsorted(self.owners, rows), np.searchsorted(self.owners, rows, side="right")
        places = [np.arange(start, stop) for start, stop in zip(low, high)]
        return np.bincount(self.codes[np.concatenate(places)] if places else self.codes[:0], minlength=len(self.names))


def counted(values: Values, pool: np.ndarray, keep: np.ndarray | None) -> list[tuple[Any, int, int]]:
    """(value, n in the pool, n that pass the filter), those most in the pool first, then most in the filter, then by name."""
    few, all_of = values.counts_of(pool), values.counts(keep)
    there = np.flatnonzero(all_of)
    order = sorted(there, key=lambda code: (-few[code], -all_of[code], str(values.names[code])))[:FACET_VALUES]
    return [(values.names[code], int(few[code]), int(all_of[code])) for code in order]


def can_be_counted(kind: pa.DataType, role: str) -> bool:
    """Whether the values of such a field mean anything one by one."""
    if role in ("id", "text", "picture", "sound", "page", "history"):
        return False
    inner = kind.value_type if is_list(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_boolean(inner) or pa.types.is_integer(inner) or pa.types.is_temporal(inner))
