"""Where the words of a query stand in the texts of a hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from nearkin.collection.texts import TEXT
from nearkin.encoders.analyser import WORD, Analyser
from nearkin.service.view import View
from nearkin.tables import Catalog

MOST = 50  # spans a field


@dataclass(frozen=True)
class Marker:
    """Marks words that count for the same term as a word of the query."""

    analyser: Analyser
    terms: list[set[str]]
    fields: list[str]

    @classmethod
    def of(cls, view: View, queries: Catalog) -> Self:
        """With the language that the collection's search by words reads."""
        encoders = (branch.encoder for branch in map(view.shop.stage, view.shop.manifest.search))  # type: ignore[attr-defined]
        language = next((encoder.language for encoder in encoders if hasattr(encoder, "language")), "none")
        analyser = Analyser(language)
        terms = [analyser.terms(analyser.words(text)) for text in queries[TEXT]]
        return cls(analyser, terms, view.catalog.fields("text", "category"))

    def spans(self, query: int, thing: Mapping[str, Any]) -> dict[str, list[list[int]]]:
        """Field -> [[start, end], ...] in characters (code points), for the fields that hold one text."""
        texts = {name: thing[name] for name in self.fields if isinstance(thing.get(name), str)}
        found = {name: self._of(query, text) for name, text in texts.items()}
        return {name: spans for name, spans in found.items() if spans}

    def _of(self, query: int, text: str) -> list[list[int]]:
        words = (match for match in WORD.finditer(text) if self.analyser.term(match.group().lower()) in self.terms[query])
        return [[match.start(), match.end()] for match, _ in zip(words, range(MOST))]
