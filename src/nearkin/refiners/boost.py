"""Lift hits by a field of the item: a number to add or multiply, or a category to prefer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner
from nearkin.tables import Catalog, Hits


@dataclass(frozen=True, kw_only=True)
class AddNumber(Refiner):
    """score + weight * number of the item; a missing number counts as `missing`. Hits[q, k] -> Hits[q, k]."""

    field: str
    weight: float = 1.0
    missing: float = 0.0

    def __call__(self, hits: Hits) -> Hits:
        return rescored(hits, hits.scores + self.weight * _numbers(hits, self.field, self.missing))


@dataclass(frozen=True, kw_only=True)
class MultiplyNumber(Refiner):
    """score * number of the item ^ power; a missing number counts as `missing`. Hits[q, k] -> Hits[q, k].

    Refused: negative numbers. Scores should be positive, or a higher number lowers a hit.
    """

    field: str
    power: float = 1.0
    missing: float = 1.0

    def __call__(self, hits: Hits) -> Hits:
        numbers = _numbers(hits, self.field, self.missing)
        if (numbers < 0).any():
            raise BadInput(f"MultiplyNumber needs numbers of 0 or more, but {self.field!r} holds {numbers.min():g}; use AddNumber")
        return rescored(hits, np.where(hits.rows >= 0, hits.scores, 0) * numbers**self.power)


@dataclass(frozen=True, kw_only=True)
class PreferCategory(Refiner):
    """score * factor for items whose field holds one of the values (or is one of them). Hits[q, k] -> Hits[q, k].

    Scores should be positive. Refused: a factor that is not positive.
    """

    field: str
    values: tuple[str, ...]
    factor: float = 2.0

    def __call__(self, hits: Hits) -> Hits:
        if not self.factor > 0:
            raise BadInput(f"the factor of PreferCategory must be above 0, got {self.factor}")
        rows, where = _distinct(hits)
        wanted = set(self.values)
        held = [_matches(value, wanted) for value in _items(hits).take(rows)[self.field]] if len(rows) else []
        lifted = np.array([*held, False])[where]
        return rescored(hits, np.where(lifted, hits.scores * self.factor, hits.scores))


def _matches(value: object, wanted: set[str]) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(str(each) in wanted for each in values if each is not None)


def _items(hits: Hits) -> Catalog:
    if hits.items is None:
        raise BadInput("a boost reads fields of the items, but these hits do not know their items; give the index a catalogue")
    return hits.items


def _distinct(hits: Hits) -> tuple[np.ndarray, np.ndarray]:
    """The item rows among the hits, each once, and the place of each hit among them (one past the end for a pad): int [q, k]."""
    rows = np.unique(hits.rows[hits.rows >= 0])
    where = np.searchsorted(rows, hits.rows)
    return rows, np.where(hits.rows >= 0, where, len(rows))


def _numbers(hits: Hits, field: str, missing: float) -> np.ndarray:
    """The number of each hit's item: float64 [q, k]."""
    rows, where = _distinct(hits)
    column = _items(hits).column(field)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise BadInput(f"a boost by number needs a field of numbers; {field!r} holds {column.type}; name another field")
    values = np.asarray(column.take(pa.array(rows)).cast(pa.float64()).fill_null(missing))
    values = np.where(np.isnan(values), missing, values)
    return np.append(values, missing)[where]
