"""Two catalogues as columns that belong together, and each row as a name and as all its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from nearkin.encoders.char_grams import CharGrams
from nearkin.matchers.profile import Column, align, profile
from nearkin.matching.words import word_counts
from nearkin.tables import Catalog, SparseVectors

Texts = tuple[list[str], list[str]]  # of the left rows and of the right rows
Both = tuple[SparseVectors, SparseVectors]


@dataclass(frozen=True)
class Described:
    """Both tables: aligned columns (left, right), all columns of each side, and the texts and vectors made from them.

    head: the short text columns that tell things apart (title, name, ...) of each row, joined; full: all its text columns.
    """

    left: Catalog
    right: Catalog
    columns: list[tuple[Column, Column]]
    profiles: tuple[list[Column], list[Column]]

    @cached_property
    def head_columns(self) -> list[tuple[Column, Column]]:
        """The columns of the head: those that name things, else all texts."""
        names = [pair for pair in self.columns if all(column.names_things for column in pair)]
        return names or [pair for pair in self.columns if pair[0].kind == "text"]

    @cached_property
    def head(self) -> Texts:
        pairs = self.head_columns
        return self._texts([a for a, _ in pairs], [b for _, b in pairs])

    @cached_property
    def full(self) -> Texts:
        left, right = ([column for column in columns if column.kind == "text"] for columns in self.profiles)
        return self._texts(left, right)

    def _texts(self, left: list[Column], right: list[Column]) -> Texts:
        """Of a table beside itself one list, twice."""
        texts = _joined(left, len(self.left))
        return texts, texts if self.left is self.right else _joined(right, len(self.right))

    @cached_property
    def head_grams(self) -> Both:
        return grams(self.head)

    @cached_property
    def full_grams(self) -> Both:
        return grams(self.full)

    @cached_property
    def head_words(self) -> Both:
        return word_counts(*self.head)


def describe(left: Catalog, right: Catalog) -> Described:
    """Profile the columns of both and align them. Cost: one pass over all values."""
    profiles = profile(left), profile(right)
    return Described(left, right, align(*profiles), profiles)


def describe_alone(table: Catalog) -> Described:
    """A table beside itself, each column with itself. Cost: one pass over all values."""
    columns = profile(table)
    return Described(table, table, [(column, column) for column in columns], (columns, columns))


def grams(texts: Texts) -> Both:
    """Character 3-gram vectors of both sides, weighted by both together."""
    if texts[0] is texts[1]:
        alone = Catalog.of(text=texts[0])
        vectors = CharGrams(fields=("text",)).fit(alone)(alone)
        return vectors, vectors
    left, right = (Catalog.of(text=side) for side in texts)
    encoder = CharGrams(fields=("text",)).fit(left, right)
    return encoder(left), encoder(right)


def _joined(columns: list[Column], count: int) -> list[str]:
    return [" ".join(column.values[row] for column in columns if column.values[row]) for row in range(count)]
