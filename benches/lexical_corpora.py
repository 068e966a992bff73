"""The corpora of the lexical bench as counts of terms, each with its stop words and without; tokenised once, kept in the cache folder.

Terms: lower case, words of two letters or more, Snowball stems (English; Yoruba: nothing dropped, nothing stemmed, so one form only).
The million is synthetic: each item is two sentences drawn with replacement from the distinct sentences of all shared sets, so its
sentences are real and repeat. Its queries: 30 % claims (scifact), 30 % example sentences (WordNet), 40 % two or three words of
one sentence.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from nearkin import data
from nearkin.encoders.analyser import Analyser
from nearkin.tables import SparseVectors

QUERIES = 1000
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nearkin" / "lexical"
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
LEAST_WORDS = 5


@dataclass(frozen=True)
class Corpus:
    """Counts of the terms of items and queries, and which terms are stop words."""

    items: SparseVectors
    queries: SparseVectors
    stops: np.ndarray  # bool [v]

    def without_stop_words(self) -> Corpus:
        return Corpus(_kept(self.items, ~self.stops), _kept(self.queries, ~self.stops), self.stops)

    def asking(self) -> SparseVectors:
        """The queries that hold a term (bm25s takes no empty query), each term once."""
        queries = self.queries.take(np.flatnonzero(np.diff(self.queries.offsets) > 0))
        queries.values = np.ones_like(queries.values)
        return queries


def corpus(name: str) -> Corpus:
    """One of NAMES, from the cache when it was made before."""
    place = CACHE / f"{name}.npz"
    if not place.exists():
        made = NAMES[name]()
        place.parent.mkdir(parents=True, exist_ok=True)
        parts = {f"{which}_{part}": getattr(getattr(made, which), part) for which in ("items", "queries") for part in PARTS}
        draft = place.with_suffix(f".{os.getpid()}.npz")
        np.savez(draft, stops=made.stops, **parts)
        draft.replace(place)
    with np.load(place) as kept:
        dim = len(kept["stops"])
        tables = [SparseVectors(*(kept[f"{which}_{part}"] for part in PARTS), dim) for which in ("items", "queries")]
        return Corpus(*tables, kept["stops"])


PARTS = ("offsets", "columns", "values")


def scifact() -> Corpus:
    facts = data.load("ir-scifact")
    return _counted(facts.items.texts("title", "text"), facts.queries.texts())  # type: ignore[union-attr]


def yoruba() -> Corpus:
    pages = data.load("ir-miracl-yoruba")
    return _counted(pages.items.texts("title", "text"), pages.queries.texts(), language="none")  # type: ignore[union-attr]


def wordnet() -> Corpus:
    items = data.load("dict-wordnet31").items
    return _counted(items.texts("definition"), _examples()[:QUERIES])


def million(size: int = 1_000_000) -> Corpus:
    random = np.random.default_rng(0)
    sentences = sorted({sentence for text in shared_texts() for sentence in _sentences(text)})
    pairs = random.integers(0, len(sentences), (size, 2))
    claims, examples = data.load("ir-scifact").queries.texts(), _examples()  # type: ignore[union-attr]
    asked = [claims[row] for row in random.integers(0, len(claims), QUERIES * 3 // 10)]
    asked += [examples[row] for row in random.integers(0, len(examples), QUERIES * 3 // 10)]
    english = Analyser("english")
    while len(asked) < QUERIES:
        words = [word for word in english.words(sentences[random.integers(len(sentences))]) if english.term(word)]
        asked.append(" ".join(random.choice(words, min(int(random.integers(2, 4)), len(words)), replace=False)) if words else "")
    single = _counted(sentences, asked)
    return Corpus(_summed(single.items, pairs), single.queries, single.stops)


NAMES: dict[str, Callable[[], Corpus]] = {"scifact": scifact, "yoruba": yoruba, "wordnet": wordnet, "million": million}


def shared_texts() -> Iterator[str]:
    """Every text of every JSON-lines file of the shared sets."""
    for root in os.environ["NEARKIN_DATA"].split(os.pathsep):
        for path in sorted(Path(root).glob("*/*.jsonl*")):
            with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
                for line in file:
                    yield from _strings(json.loads(line))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _sentences(text: str) -> Iterator[str]:
    return (part.strip() for part in SENTENCE_END.split(text) if part.count(" ") >= LEAST_WORDS - 1)


def _examples() -> list[str]:
    return [each[0] for each in data.load("dict-wordnet31").items["examples"] if each]


def _counted(texts: Iterable[str], asked: Iterable[str], language: str = "english") -> Corpus:
    """Stop words are stemmed like all others, and a term is a stop word when one is behind it."""
    analyser, stems = Analyser(language), Analyser(language)
    stems.stop_words = frozenset()
    known: dict[str, int] = {}
    column_of: dict[str, int] = {}

    def columns(text: str) -> list[int]:
        found = []
        for word in analyser.words(text):
            column = column_of.get(word)
            if column is None:
                column = column_of[word] = known.setdefault(stems.term(word) or word, len(known))
            found.append(column)
        return found

    lists = [[columns(text) for text in side] for side in (texts, asked)]
    stops = np.zeros(len(known), bool)
    stops[[column_of[word] for word in analyser.stop_words if word in column_of]] = True
    return Corpus(*(_table(side, len(known)) for side in lists), stops)


def _table(lists: list[list[int]], dim: int) -> SparseVectors:
    from scipy.sparse import csr_array

    columns = np.fromiter(chain.from_iterable(lists), np.int32)
    offsets = np.cumsum([0, *map(len, lists)])
    return SparseVectors.from_scipy(csr_array((np.ones(len(columns), np.float32), columns, offsets), shape=(len(lists), dim)))


def _summed(rows: SparseVectors, pairs: np.ndarray) -> SparseVectors:
    """Item i: the sum of two rows."""
    from scipy.sparse import csr_array

    size = len(pairs)
    pick = csr_array((np.ones(2 * size, np.float32), pairs.ravel(), np.arange(0, 2 * size + 1, 2)), shape=(size, len(rows)))
    return SparseVectors.from_scipy(pick @ rows.to_scipy())


def _kept(rows: SparseVectors, wanted: np.ndarray) -> SparseVectors:
    """The same rows with these columns alone."""
    stays = wanted[rows.columns]
    offsets = np.concatenate([[0], np.cumsum(stays)])[rows.offsets]
    return SparseVectors(offsets, rows.columns[stays], rows.values[stays], rows.dim)
