"""Texts as counts of their words."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Self

import numpy as np

from nearkin.encoders.analyser import Analyser
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, SparseVectors

_TEXTS_AT_ONCE = 4096
_MOST_CACHED = 2_000_000  # distinct words remembered; a service that sees more starts again, so that memory stays bounded


class _Columns(dict[str, int]):
    """Word -> column of its term, -1 for a stop word or an unknown term; worked out once a word."""

    def __init__(self, analyser: Analyser, known: dict[str, int]) -> None:
        self.analyser, self.known = analyser, known

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_CACHED:
            self.clear()
        term = self.analyser.term(word)
        self[word] = column = -1 if term is None else self.known.get(term, -1)
        return column


@dataclass(kw_only=True)
class BagOfWords(Encoder):
    """Text to the counts of its terms over the vocabulary of the catalogue it was fitted on.

    Catalog[n] -> SparseVectors[n, v], float32 counts; terms outside the vocabulary are dropped.
    Terms: lower case, words of two letters or more, stop words out, Snowball stems (see `Analyser`). At fit the terms are sorted, so
    the order of things does not matter; `extended` appends new ones and leaves the columns of the old as they are.
    Cost: about 0.2 us a word once each distinct word has been seen. Memory: the vocabulary, and a cache of distinct words.
    Refused: an unknown language, no text field at all.
    """

    fields: tuple[str, ...] = ()  # those to read; all with the role text when empty
    language: str = "english"  # or "none": nothing dropped, nothing stemmed
    vocabulary_: np.ndarray | None = learned()  # uint8: the terms in UTF-8, by column, with a line feed between two

    gives = SparseVectors

    def fit(self, catalog: Catalog) -> Self:
        """Learn the vocabulary: every term of these things."""
        self._learn(sorted(self._terms_in(catalog)))
        return self

    def extended(self, catalog: Catalog) -> Self:
        """An encoder that also knows the new terms of these things, in columns after the old ones."""
        other = copy(fitted(self))
        other._learn([*self.terms, *sorted(self._terms_in(catalog) - self._known.keys())])
        return other

    @property
    def terms(self) -> list[str]:
        """The term of each column."""
        return list(self._known)

    @property
    def dim(self) -> int:
        """Terms in the vocabulary."""
        return len(self._known)

    def __call__(self, catalog: Catalog) -> SparseVectors:
        texts, dim = catalog.texts(*self.fields), self.dim
        starts = range(0, len(texts), _TEXTS_AT_ONCE)
        parts = [_counted(self._columns_of(texts[start : start + _TEXTS_AT_ONCE]), dim) for start in starts]
        lengths, columns, counts = (np.concatenate(each) for each in zip(_EMPTY, *parts))
        return SparseVectors(np.concatenate([[0], np.cumsum(lengths)]), columns, counts, dim, catalog)

    def _columns_of(self, texts: Iterable[str]) -> list[list[int]]:
        columns, words = self._columns, self._columns.analyser.words
        return [[columns[word] for word in words(text)] for text in texts]

    def _terms_in(self, catalog: Catalog) -> set[str]:
        analyser = Analyser(self.language)
        words: set[str] = set()
        for text in catalog.texts(*self.fields):
            words.update(analyser.words(text))
        return analyser.terms(words)

    def _learn(self, terms: list[str]) -> None:
        self.vocabulary_ = np.frombuffer("\n".join(terms).encode(), np.uint8)
        for cached in ("_known", "_columns"):
            self.__dict__.pop(cached, None)

    @cached_property
    def _known(self) -> dict[str, int]:
        terms = bytes(fitted(self).vocabulary_).decode()
        return {term: column for column, term in enumerate(terms.split("\n"))} if terms else {}

    @cached_property
    def _columns(self) -> _Columns:
        return _Columns(Analyser(self.language), self._known)


_EMPTY = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def _counted(texts: list[list[int]], dim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of each text, with repeats and -1 -> distinct columns a text [b], and columns and counts of all [sum], rising a text."""
    columns = np.fromiter(chain.from_iterable(texts), np.int64)
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    known = columns >= 0
    keys, counts = np.unique(owner[known] * max(dim, 1) + columns[known], return_counts=True)
    lengths = np.bincount(keys // max(dim, 1), minlength=len(texts))
    return lengths, (keys % max(dim, 1)).astype(np.int32), counts.astype(np.float32)
