"""Texts as counts of their words."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Self

import numpy as np

from nearkin.encoders.analyser import Analyser
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, SparseVectors
from nearkin.tables.growing import Growing

_TEXTS_AT_ONCE = 4096
_MOST_CACHED = 2_000_000  # distinct words remembered; a service that sees more starts again, so that memory stays bounded


class _Stems(dict[str, str | None]):
    """Word -> its term, None for a stop word; worked out once a word."""

    def __init__(self, analyser: Analyser) -> None:
        self.analyser = analyser

    def __missing__(self, word: str) -> str | None:
        if len(self) >= _MOST_CACHED:
            self.clear()
        self[word] = term = self.analyser.term(word)
        return term


class _Vocabulary:
    """The terms of an encoder and of those extended from it: columns are only ever added, and each encoder knows how many are its own."""

    def __init__(self, language: str, terms: list[str]) -> None:
        self.language, self.terms, self.bytes = language, terms, Growing()
        self.columns = {term: column for column, term in enumerate(terms)}
        self.stems = _Stems(Analyser(language))
        self._lock = Lock()

    def with_more(self, size: int, more: list[str]) -> _Vocabulary:
        """The first `size` terms and then these: this vocabulary itself where it has no others."""
        with self._lock:
            if len(self.terms) != size:
                return _Vocabulary(self.language, [*self.terms[:size], *more])
            self.columns.update(zip(more, range(size, size + len(more))))
            self.terms.extend(more)
            return self

    def terms_in(self, texts: Iterable[str]) -> set[str]:
        """The distinct terms of some texts."""
        stems = self.stems
        found = {stems[word] for text in texts for word in stems.analyser.words(text)}
        return {term for term in found if term is not None}

    def columns_of(self, text: str) -> list[int]:
        """The column of each word of a text, -1 for a stop word or an unknown term."""
        columns, stems = self.columns, self.stems
        return [columns.get(stems[word], -1) for word in stems.analyser.words(text)]  # type: ignore[arg-type]


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
        size, held = self.dim, self._vocabulary.columns
        other = copy(self)
        new = sorted(term for term in self._vocabulary.terms_in(catalog.texts(*self.fields)) if held.get(term, size) >= size)
        if new:
            other.__dict__["_vocabulary"] = words = self._vocabulary.with_more(size, new)
            other.__dict__["dim"] = size + len(new)
            added = np.frombuffer(("\n" * (size > 0) + "\n".join(new)).encode(), np.uint8)
            other.vocabulary_ = words.bytes.followed_by(self.vocabulary_, added)  # type: ignore[arg-type]
        return other

    @property
    def terms(self) -> list[str]:
        """The term of each column."""
        return self._vocabulary.terms[: self.dim]

    @cached_property
    def dim(self) -> int:
        """Terms in the vocabulary."""
        return len(self._vocabulary.terms)

    def __call__(self, catalog: Catalog) -> SparseVectors:
        texts, dim = catalog.texts(*self.fields), self.dim
        starts = range(0, len(texts), _TEXTS_AT_ONCE)
        parts = [_counted(self._columns_of(texts[start : start + _TEXTS_AT_ONCE]), dim) for start in starts]
        lengths, columns, counts = (np.concatenate(each) for each in zip(_EMPTY, *parts))
        return SparseVectors(np.concatenate([[0], np.cumsum(lengths)]), columns, counts, dim, catalog)

    def _columns_of(self, texts: Iterable[str]) -> list[list[int]]:
        columns_of = self._vocabulary.columns_of
        return [columns_of(text) for text in texts]

    def _terms_in(self, catalog: Catalog) -> set[str]:
        analyser = Analyser(self.language)
        words: set[str] = set()
        for text in catalog.texts(*self.fields):
            words.update(analyser.words(text))
        return analyser.terms(words)

    def _learn(self, terms: list[str]) -> None:
        self.vocabulary_ = np.frombuffer("\n".join(terms).encode(), np.uint8)
        for cached in ("_vocabulary", "dim"):
            self.__dict__.pop(cached, None)

    @cached_property
    def _vocabulary(self) -> _Vocabulary:
        text = bytes(fitted(self).vocabulary_).decode()  # type: ignore[arg-type]
        terms = text.split("\n") if text else []
        self.__dict__["dim"] = len(terms)  # told here, because the vocabulary may grow by what others add
        return _Vocabulary(self.language, terms)


_EMPTY = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def _counted(texts: list[list[int]], dim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of each text, with repeats and -1 -> distinct columns a text [b], and columns and counts of all [sum], rising a text."""
    columns = np.fromiter(chain.from_iterable(texts), np.int64)
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    known = (columns >= 0) & (columns < dim)  # terms beyond came later, with another encoder
    keys, counts = np.unique(owner[known] * max(dim, 1) + columns[known], return_counts=True)
    lengths = np.bincount(keys // max(dim, 1), minlength=len(texts))
    return lengths, (keys % max(dim, 1)).astype(np.int32), counts.astype(np.float32)
