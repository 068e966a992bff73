"""Queries that are noisy copies of items: the right answer of query i is item i."""

from __future__ import annotations

import numpy as np

from nearkin.tables import Catalog, Data, Links

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u")]


def words(count: int, random: np.random.Generator) -> list[str]:
    """Distinct made-up words of two to four syllables."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choice(SYLLABLES, random.integers(2, 5)))] = None
    return list(found)


def twins(*, pairs: int = 300, noise: float = 0.2, seed: int = 0) -> Data:
    """`pairs` items of eight words from a vocabulary of 2 * pairs; query i is item i with a share `noise` of its words replaced."""
    random = np.random.default_rng(seed)
    vocabulary = np.array(words(2 * pairs, random))
    texts = random.choice(vocabulary, (pairs, 8))
    noisy = np.where(random.random(texts.shape) < noise, random.choice(vocabulary, texts.shape), texts)
    items = Catalog.of([f"item{row}" for row in range(pairs)], title=[" ".join(row) for row in texts])
    queries = Catalog.of([f"query{row}" for row in range(pairs)], title=[" ".join(row) for row in noisy])
    rows = np.arange(pairs)
    return Data(name="twins", items=items, queries=queries, truth=Links(queries, items, rows, rows))
