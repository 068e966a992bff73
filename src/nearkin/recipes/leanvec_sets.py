"""The vectors of the recipe `leanvec`: items, and queries that are like them or not, each with a half to learn from and a half to test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nearkin.encoders.cached import Cached
from nearkin.encoders.multilingual import Multilingual
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.errors import BadInput, listed
from nearkin.projections.moments import Moments
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Data, Vectors, unit

HELD_OUT, ASKED = 4_000, 30_000  # WordNet: definitions taken out to ask with; names and examples drawn to ask with
ENGLISH, PORTUGUESE, OUT = 4_000, 2_000, 1_000  # Debian: texts encoded, and English ones taken out to ask with


@dataclass(frozen=True, kw_only=True)
class Queries:
    """One kind of query: rows to learn from and rows to test with, float32 of length 1."""

    learn: np.ndarray
    test: np.ndarray
    alike: bool = False  # whether they come from where the items come from
    wanted: np.ndarray | None = None  # rows of the exact best items of each test query, once known

    @classmethod
    def halves(cls, rows: np.ndarray, *, alike: bool = False) -> Queries:
        return cls(learn=rows[: len(rows) // 2], test=rows[len(rows) // 2 :], alike=alike)


@dataclass(frozen=True, kw_only=True)
class Sets:
    items: np.ndarray  # float32 [n, D]
    queries: dict[str, Queries]

    @cached_property
    def moments(self) -> Moments:
        """Those of the items, gathered once for all projections."""
        return Moments.of(Vectors(self.items))


def sets_of(data: Data) -> Sets:
    """The vectors of a data set that is known here. Refused: others."""
    known: dict[str, Callable[[Data], Sets]] = {"dict-wordnet31": wordnet, "catalog-debian": debian, "two-maps": lambda _: two_maps()}
    if data.name not in known:
        raise BadInput(f"leanvec knows what to ask of {listed(known)}, not of {data.name!r}")
    return known[data.name](data)


def wordnet(data: Data) -> Sets:
    """Definitions by MiniLM (384 numbers); asked with other definitions, with names of words, and with example sentences."""
    order = np.random.default_rng(0).permutation(len(data.items))
    examples = Catalog.of(example=[each[0] for each in data.items["examples"] if each])
    names = Catalog.of(name=data.items.texts("name")).take(order[:ASKED])
    drawn = examples.take(np.random.default_rng(0).permutation(len(examples))[:ASKED])
    every = _encoded(_sentences("definition"), data.items)
    asked = {
        "names": Queries.halves(_encoded(_sentences("name"), names)),
        "examples": Queries.halves(_encoded(_sentences("example"), drawn)),
        "definitions": Queries.halves(every[order[:HELD_OUT]], alike=True),
    }
    return Sets(items=every[np.sort(order[HELD_OUT:])], queries=asked)


def debian(data: Data) -> Sets:
    """English lines on programs by a multilingual encoder (512 numbers); asked with Portuguese ones, and with other English ones."""
    english = _encoded(Multilingual(), _distinct(data.items["short"], ENGLISH))
    portuguese = _encoded(Multilingual(), _distinct(data.items["short_pt"], PORTUGUESE))
    asked = {"Portuguese": Queries.halves(portuguese), "English": Queries.halves(english[:OUT], alike=True)}
    return Sets(items=english[OUT:], queries=asked)


def two_maps(*, items: int = 3_000, asked: int = 800, dim: int = 64, seed: int = 0) -> Sets:
    """Two linear maps of one cause: what varies most in items is nearly still in queries, and the other way round."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    parts = np.array([[3, 0.2], [1, 1], [0.2, 3], [0.1, 0.1]]).repeat(dim // 4, axis=0)  # spread in items, in queries

    def drawn(count: int, side: int) -> np.ndarray:
        return unit((random.normal(size=(count, dim)) * parts[:, side]) @ turn)

    return Sets(
        items=drawn(items, 0),
        queries={"unlike": Queries.halves(drawn(2 * asked, 1)), "alike": Queries.halves(drawn(2 * asked, 0), alike=True)},
    )


def _sentences(field: str) -> SentenceModel:
    return SentenceModel(fields=(field,), max_tokens=64)


def _encoded(encoder: Encoder, catalog: Catalog) -> np.ndarray:
    return np.asarray(Cached(encoder=encoder)(catalog).rows)


def _distinct(texts: Iterable[str | None], count: int) -> Catalog:
    """So many different texts, drawn at random."""
    found = list(dict.fromkeys(text for text in texts if text))
    return Catalog.of(text=[found[row] for row in np.random.default_rng(0).permutation(len(found))[:count]])
