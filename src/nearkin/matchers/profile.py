"""What each column of a table holds, judged by its values, and which columns of two tables belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from nearkin.plain_text import plain_all
from nearkin.tables import Catalog

Kind = Literal["text", "number", "year"]
SHORT = 15  # mean words of a text column up to which it may name the thing
DISTINCT = 0.3  # share of different values from which on a column tells things apart
# Overlap of values from which on two columns with different names are taken for one; years and small numbers overlap by nature.
ALIKE = {"text": 0.15, "number": 0.6, "year": 0.6}
_YEAR = re.compile(r"^\s*(?:1[0-9]|20|21)\d\d(?:-\d\d?-\d\d?.*|\.0)?\s*$")
_NUMBER = re.compile(r"^\s*[$€£]?\s*-?\d[\d,]*(?:\.\d+)?\s*[$€£]?\s*$")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One field of a catalogue: its values as texts ("" where missing) and what they are like."""

    name: str
    kind: Kind
    values: list[str] = field(repr=False)
    filled: float  # share of rows with a value
    distinct: float  # different values / filled rows
    words: float  # mean words of a filled value

    @property
    def names_things(self) -> bool:
        """Whether it is short text that differs from row to row, as a title or a name does."""
        return self.kind == "text" and 0 < self.words < SHORT and self.distinct > DISTINCT


def profile(catalog: Catalog) -> list[Column]:
    """The columns of a catalogue but its id, pictures and sounds, in order."""
    skipped = {"id", "picture", "sound", "page", "history"}
    return [_column(name, _texts(catalog, name)) for name, role in catalog.roles.items() if role not in skipped]


def _column(name: str, values: list[str]) -> Column:
    filled = [value for value in values if value.strip()]
    count = max(len(filled), 1)
    return Column(
        name=name,
        kind=_kind(filled),
        values=values,
        filled=len(filled) / max(len(values), 1),
        distinct=len(set(filled)) / count,
        words=sum(len(value.split()) for value in filled) / count,
    )


def _kind(filled: list[str]) -> Kind:
    """A column is of years or numbers when nine tenths of its values are."""
    need = 0.9 * len(filled)
    if filled and sum(bool(_YEAR.match(value)) for value in filled) >= need:
        return "year"
    if filled and sum(bool(_NUMBER.match(value)) for value in filled) >= need:
        return "number"
    return "text"


def _texts(catalog: Catalog, name: str) -> list[str]:
    return [text_of(value) for value in catalog.column(name).to_pylist()]


def text_of(value: Any) -> str:
    """A value as one text; "" where it is missing."""
    if value is None or value != value:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def numbers(column: Column) -> np.ndarray:
    """The values of a number column, 0 where missing: float64 [n]. A price of 0 is taken for unknown."""
    cleaned = (re.sub(r"[^\d.\-]", "", value) for value in column.values)
    return np.array([float(value) if _NUMBER.match(value) else 0.0 for value in cleaned])


def align(left: list[Column], right: list[Column]) -> list[tuple[Column, Column]]:
    """Pairs of columns that mean the same: those of one name and kind, then, best first, those whose values overlap.

    Overlap is the cosine of the columns' word counts (texts, years) or the overlap of their quartile ranges (numbers), times the
    ratio of their mean lengths, so that a title is not paired with a description that contains it. Cost: all words once.
    """
    pairs = [(a, b) for a in left for b in right if a.name == b.name and a.kind == b.kind]
    taken = {id(column) for pair in pairs for column in pair}
    rest = [(a, b) for a in left for b in right if a.kind == b.kind and id(a) not in taken and id(b) not in taken]
    order = np.array([_overlap(a, b) for a, b in rest])
    for place in np.argsort(-order, kind="stable"):
        a, b = rest[place]
        if order[place] >= ALIKE[a.kind] and id(a) not in taken and id(b) not in taken:
            pairs.append((a, b))
            taken |= {id(a), id(b)}
    return pairs


def _overlap(left: Column, right: Column) -> float:
    if not (left.filled and right.filled):
        return 0.0
    if left.kind == "number":
        return _range_overlap(_usual_range(left), _usual_range(right))
    ratio = (left.words + 1) / (right.words + 1)
    return _cosine(_counts(left), _counts(right)) * min(ratio, 1 / ratio)


def _usual_range(column: Column) -> np.ndarray | None:
    """Where eight tenths of the known values lie; None when all are unknown."""
    known = numbers(column)
    known = known[known != 0]
    return np.quantile(known, [0.1, 0.9]) if len(known) else None


def _range_overlap(left: np.ndarray | None, right: np.ndarray | None) -> float:
    if left is None or right is None:
        return 0.0
    both = min(left[1], right[1]) - max(left[0], right[0])
    return float(np.clip(both / max(max(left[1], right[1]) - min(left[0], right[0]), 1e-9), 0, 1))


def _counts(column: Column) -> dict[str, float]:
    counts: dict[str, float] = {}
    for text in plain_all(column.values[:20_000]):
        for word in text.split():
            counts[word] = counts.get(word, 0) + 1
    return {word: count**0.5 for word, count in counts.items()}  # the root keeps "the" from deciding


def _cosine(left: dict[str, float], right: dict[str, float]) -> float:
    shared = sum(value * right[word] for word, value in left.items() if word in right)
    return shared / max((sum(v * v for v in left.values()) * sum(v * v for v in right.values())) ** 0.5, 1e-9)
