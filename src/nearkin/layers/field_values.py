"""The fields of a catalogue as whole numbers: one code a value, packed into arrays once, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput, listed
from nearkin.tables import Catalog, flattened
from nearkin.tables.times import seconds_of

NOTHING, UNKNOWN, FIRST = 0, 1, 2  # the first codes of each field: empty or hidden, a value not seen before, and the known values
LETTERS = r"[^\p{L}\p{N}]+"
MARKUP = r"<[^<>]*>|&#?\w{1,8};"  # tags and entities left in titles


@dataclass(frozen=True)
class Bags:
    """Which values each thing has in each field: codes[offsets[i * f + j]:offsets[i * f + j + 1]] for field j of thing i of f fields.

    codes: int64 [m]; offsets: int64 [n * f + 1]. No bag is empty: one without a value holds the field's code for nothing.
    nothing: int64 [f], that code of each field.
    """

    codes: np.ndarray
    offsets: np.ndarray
    nothing: np.ndarray

    @property
    def fields(self) -> int:
        return len(self.nothing)

    def __len__(self) -> int:
        return (len(self.offsets) - 1) // max(1, self.fields)

    @property
    def owners(self) -> np.ndarray:
        """The bag of each code, thing after thing: int64 [m]."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def take(self, rows: np.ndarray) -> Bags:
        """The bags of some things, in this order; repeats are allowed. Cost: the codes taken."""
        which = (np.asarray(rows, np.int64)[:, None] * self.fields + np.arange(self.fields)).ravel()
        lengths = np.diff(self.offsets)[which]
        ends = np.cumsum(lengths)
        places = np.repeat(self.offsets[which] - (ends - lengths), lengths) + np.arange(int(lengths.sum()))
        return Bags(self.codes[places], np.concatenate([[0], ends]).astype(np.int64), self.nothing)

    def kept(self, keep: np.ndarray) -> Bags:
        """Only the codes where `keep`, bool [m]; a bag left empty holds nothing."""
        return packed(self.owners[keep], self.codes[keep], len(self), self.nothing)

    def hiding(self, hidden: np.ndarray) -> Bags:
        """With nothing in the bags where `hidden`, bool [n, f]."""
        return self.kept(~hidden.ravel()[self.owners])

    @property
    def filled(self) -> np.ndarray:
        """Which bags hold a known value: bool [n, f]."""
        owners = self.owners
        own = self.codes - self.nothing[owners % max(1, self.fields)] >= FIRST
        return np.bincount(owners[own], minlength=len(self.offsets) - 1).reshape(len(self), self.fields) > 0


@dataclass(frozen=True)
class FieldValues:
    """The values that fields may take, by field: of a category or text the known values or words, of a number its bins' lower edges.

    Called on a catalogue: Catalog[n] -> Bags. A field's codes follow those of the fields before it: nothing, unknown, then its values.
    Categories may be single or lists, texts are bags of lower-case words, numbers and dates fall into bins that hold equally many of the
    numbers learned from. A value that stands twice in a thing counts once; a field that a catalogue lacks is empty there.
    Refused while learning: fields that are not there or are neither text, category, number nor time. Cost: a look-up a value.
    """

    known: Mapping[str, Sequence[Any]]

    @classmethod
    def of(cls, catalog: Catalog, fields: Sequence[str] = (), *, least: int = 2, most: int = 20_000, bins: int = 10) -> Self:
        """All text, category, number and time fields when none is named; of words and values the `most` commonest on `least` things."""
        names = tuple(fields) or tuple(catalog.fields("text", "category", "number", "time"))
        wrong = [name for name in names if catalog.roles.get(name) not in ("text", "category", "number", "time")]
        if wrong or not names:
            raise BadInput(f"expected fields with the roles text, category, number or time, got {listed(wrong) or 'none'}: {catalog.roles}")
        return cls({name: _learned(catalog, name, least, most, bins) for name in names})

    @property
    def sizes(self) -> list[int]:
        """Codes of each field."""
        return [len(values) + FIRST for values in self.known.values()]

    @property
    def nothing(self) -> np.ndarray:
        """The first code of each field: int64 [f]."""
        return np.cumsum([0, *self.sizes[:-1]]).astype(np.int64)

    def __call__(self, catalog: Catalog) -> Bags:
        owners, codes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for place, (name, values) in enumerate(self.known.items()):
            if name in catalog.roles:
                rows, found = _coded(catalog, name, values)
                owners.append(rows * len(self.known) + place)
                codes.append(found + self.nothing[place])
        return packed(np.concatenate(owners), np.concatenate(codes), len(catalog), self.nothing)


def packed(owners: np.ndarray, codes: np.ndarray, count: int, nothing: np.ndarray) -> Bags:
    """Codes by the bag they are in, int64 [m] each, as bags of `count` things; bags without one get their field's code for nothing."""
    bags = count * len(nothing)
    empty = np.flatnonzero(np.bincount(owners, minlength=bags) == 0)
    owners = np.concatenate([owners, empty])
    codes = np.concatenate([codes, nothing[empty % max(1, len(nothing))]])
    order = np.lexsort((codes, owners))
    owners, codes = owners[order], codes[order]
    first = np.concatenate([[True], (np.diff(owners) > 0) | (np.diff(codes) > 0)])[: len(codes)]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners[first], minlength=bags))]).astype(np.int64)
    return Bags(codes[first].astype(np.int64), offsets, nothing)


def _learned(catalog: Catalog, name: str, least: int, most: int, bins: int) -> list[Any]:
    if catalog.roles[name] in ("number", "time"):
        values = seconds_of(catalog.column(name), name)
        values = values[np.isfinite(values)]
        inner = np.unique(np.quantile(values, np.arange(1, bins) / bins)) if len(values) else np.empty(0)
        return [-float(np.finfo(np.float64).max), *inner[inner > values.min(initial=np.inf)].tolist()]
    rows, values = _flat(catalog, name)
    table = pa.table({"row": rows, "value": values}).group_by(["row", "value"]).aggregate([])
    counts = [(-each["counts"], each["values"]) for each in table["value"].combine_chunks().value_counts().to_pylist()]
    return sorted(value for count, value in sorted(counts)[:most] if -count >= least)


def _coded(catalog: Catalog, name: str, known: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The thing of each value of a field, and its code, counted from the field's first: int64 [m] each."""
    if catalog.roles[name] in ("number", "time"):
        values = seconds_of(catalog.column(name), name)
        rows = np.flatnonzero(np.isfinite(values))
        return rows, np.searchsorted(np.asarray(known, float), values[rows], side="right") - 1 + FIRST
    rows, values = _flat(catalog, name)
    found = np.asarray(pc.index_in(values, value_set=pa.array(known, pa.string())).fill_null(UNKNOWN - FIRST))
    return rows, found.astype(np.int64) + FIRST


def _flat(catalog: Catalog, name: str) -> tuple[np.ndarray, pa.Array]:
    """The row of each value or word, and these as strings; nulls and empty ones are left out."""
    column = catalog.column(name)
    if catalog.roles[name] == "text":
        plain = pc.replace_substring_regex(column.cast(pa.string()).fill_null(""), MARKUP, " ")
        column = pc.split_pattern(pc.replace_substring_regex(pc.utf8_lower(plain), LETTERS, " "), " ")
    rows, values = flattened(column)
    values = values.cast(pa.string()).fill_null("")
    there = pc.not_equal(values, "")
    return rows[np.asarray(there)].astype(np.int64), values.filter(there)
