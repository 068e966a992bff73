"""Letter counts against random hits: the smallest thing that keeps the contract of recipes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.recipes.card import Card
from nearkin.stage import Encoder, Searcher, Stage
from nearkin.tables import Catalog, Data, Hits, Vectors, best, unit

CARD = Card(paper=1, title="Toy", claim="letters beat chance", seeds=(0, 1, 2), metrics=("nDCG@10", "Recall@100"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    letters: int = 26
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(letters=20)


@dataclass(frozen=True, kw_only=True)
class Letters(Encoder):
    """Counts of neighbouring letters, hashed."""

    letters: int = 26

    def __call__(self, catalog: Catalog) -> Vectors:
        rows = np.zeros((len(catalog), self.letters * 26), np.float32)
        for row, text in enumerate(catalog.texts()):
            for a, b in itertools.pairwise(text):
                rows[row, (ord(a) % self.letters) * 26 + ord(b) % 26] += 1
        return Vectors(unit(rows), catalog)


@dataclass(kw_only=True, eq=False)
class Nearest(Searcher):
    """Exact search over given vectors."""

    items: Vectors
    k: int = 10
    takes = Vectors

    def __call__(self, queries: Vectors, /, *, keep: np.ndarray | None = None) -> Hits:
        return best(queries.rows @ self.items.rows.T, self.k, queries=queries.things, items=self.items.things)

    def score(self, queries: Vectors, rows: np.ndarray, /) -> np.ndarray:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Chance(Encoder):
    """Random vectors."""

    seed: int = 0

    def __call__(self, catalog: Catalog) -> Vectors:
        return Vectors(np.random.default_rng(self.seed).standard_normal((len(catalog), 8)).astype(np.float32), catalog)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    assert data.truth is None
    encoder = Letters(letters=settings.letters)
    return encoder >> Nearest(items=encoder(data.items))


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    return {"chance": Chance(seed=settings.seed) >> Nearest(items=Chance(seed=settings.seed + 100)(data.items))}
