"""Questions and the text that answers each, made from a catalogue: what `bidr` trains and tests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.encoders.static_words import StaticWords
from nearkin.tables import Catalog, Data

FIELDS = {"dict-wordnet31": ("examples", "definition")}  # what asks and what answers; short and long elsewhere
MOST_PIECES = 32  # a text in training; the whole of it is read when it is searched


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """`own`: the row of the item that belongs to each query; `groups`: equal for items of equal text; disjoint rows of queries."""

    queries: Catalog
    items: Catalog
    own: np.ndarray
    groups: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    bags: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # offsets and word pieces of queries, and of items

    def query_bags(self, rows: np.ndarray) -> tuple[Any, Any]:
        return _bags(*self.bags[0], rows)

    def item_bags(self, rows: np.ndarray) -> tuple[Any, Any]:
        return _bags(*self.bags[1], rows)

    def ranks(self, found: np.ndarray, queries: np.ndarray) -> np.ndarray:
        """The place of the first item with the right text among the hits of each query, 10^6 where there is none."""
        right = (self.groups[found] == self.groups[self.own[queries]][:, None]) & (found >= 0)
        return np.where(right.any(1), right.argmax(1), 10**6)


def pairs_of(data: Data, asked: int) -> Pairs:
    """Queries in an order that is the same for all seeds: the last `asked` test, half as many before them validate, the rest trains."""
    asks, answers = FIELDS.get(data.name, ("short", "long"))
    texts, given = data.items.texts(answers), data.items[asks]
    said = [(row, each[0] if isinstance(each, list) else each) for row, each in enumerate(given) if each]
    order = np.random.default_rng(1).permutation(len(said))
    queries, own = [said[place][1] for place in order], np.array([said[place][0] for place in order])
    cut = len(queries) - asked
    parts = np.split(np.arange(len(queries)), [cut - asked // 2, cut])
    pieces = StaticWords().table.pieces
    return Pairs(
        queries=Catalog.of(text=queries),
        items=Catalog.of(text=texts),
        own=own,
        groups=np.unique(texts, return_inverse=True)[1],
        train=parts[0],
        valid=parts[1],
        test=parts[2],
        bags=(_cut(*pieces.bags(queries)), _cut(*pieces.bags(texts))),
    )


def _cut(offsets: np.ndarray, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first pieces of each text."""
    place = np.arange(len(pieces)) - np.repeat(offsets[:-1], np.diff(offsets))
    lengths = np.minimum(np.diff(offsets), MOST_PIECES)
    return np.concatenate([[0], np.cumsum(lengths)]), pieces[place < MOST_PIECES].astype(np.int64)


def _bags(offsets: np.ndarray, pieces: np.ndarray, rows: np.ndarray) -> tuple[Any, Any]:
    """Pieces of these texts one after another, and where each begins, as torch tensors."""
    import torch

    lengths = np.diff(offsets)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(offsets[rows] - starts[:-1], lengths) + np.arange(starts[-1])
    return torch.from_numpy(pieces[places]), torch.from_numpy(starts[:-1])
