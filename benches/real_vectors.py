"""Real vectors for the search benches: MiniLM over WordNet's definitions, with three kinds of queries; encoded once and cached.

>>> from benches.real_vectors import wordnet          # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin import data
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.tables import Catalog

HELD_OUT = 4_000  # definitions taken out of the base to ask with
ASKED = 10_000  # names, and example sentences, drawn to ask with


@dataclass(frozen=True)
class RealVectors:
    """A base and what is asked of it, unit rows of float32; the two halves of each kind of query are for tuning and for testing."""

    base: np.ndarray  # [n, 384] definitions
    queries: dict[str, np.ndarray]  # "definition" (like the base), "name" and "example" (unlike it)

    def halves(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        rows = self.queries[kind]
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def wordnet(seed: int = 0) -> RealVectors:
    """113,791 definitions of WordNet 3.1 (384-d MiniLM) as the base; other definitions, names and examples to ask with."""
    items = data.load("dict-wordnet31").items
    order = np.random.default_rng(seed).permutation(len(items))
    names = Catalog.of(name=items.texts("name"))
    examples = Catalog.of(example=[each[0] for each in items["examples"] if each])
    some = {
        "name": _encoded(names.take(order[:ASKED]), "name"),
        "example": _encoded(examples.take(np.random.default_rng(seed).permutation(len(examples))[:ASKED]), "example"),
    }
    every = _encoded(items, "definition")
    return RealVectors(every[np.sort(order[HELD_OUT:])], {"definition": every[order[:HELD_OUT]], **some})


def noisy(base: np.ndarray, n: int, *, spread: float = 0.35, seed: int = 0) -> np.ndarray:
    """More rows than there are: drawn again from the base, with noise of length `spread` added, unit length (a stated make-up)."""
    rng = np.random.default_rng(seed)
    more = np.concatenate([base, base[rng.integers(0, len(base), max(n - len(base), 0))]])[:n].astype(np.float32)
    for start in range(len(base), n, 65_536):
        block = more[start : start + 65_536]
        block += rng.standard_normal(block.shape, np.float32) * np.float32(spread / np.sqrt(block.shape[1]))
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return more


def _encoded(catalog: Catalog, field: str) -> np.ndarray:
    return np.asarray(Cached(encoder=SentenceModel(fields=(field,), max_tokens=64))(catalog).rows)


if __name__ == "__main__":
    found = wordnet()
    print(found.base.shape, {kind: rows.shape for kind, rows in found.queries.items()})
