"""Recommend what is like what someone had, by what the things are: works for items that nobody has had yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import StageError
from nearkin.indexes.from_history import LinearRecommender, copied
from nearkin.indexes.histories import Histories, moved
from nearkin.stage import Encoder, Stage, fitted, learned
from nearkin.tables import Catalog, Links, SparseVectors, Vectors, unit


@dataclass(kw_only=True)
class ContentProfile(LinearRecommender):
    """Similarity of items by any encoder's vectors, summed over a fading history.

    Catalog[q] with a history -> Hits[q, k].
    score(c) = sum over the history of decay^age * max(0, cosine(h, c))^power
    Dense vectors lose their mean first, without which every title is like every other; counts of words are weighted by
    (1 + log count) * log((n + 1) / (items with the word)). The power makes near twins outweigh many faint likenesses.
    Items are the right side of the links given to `fit`, whether anyone had them or not; new ones come in by `for_items`, which
    encodes only them. Cost: distinct history items of a block * n * dim. Memory: the vectors.
    """

    encoder: Stage
    k: int = 10
    decay: float = 0.7  # weight kept with each step back
    power: int = 3
    repeats: bool = False  # whether what someone had may come again
    items_: Catalog | None = learned()
    vectors_: Vectors | SparseVectors | None = learned()  # as the encoder gave them

    def fit(self, interactions: Links) -> Self:
        self.items_ = interactions.right
        self.vectors_ = bare(self.encoder(self.items_))
        return self

    def block(self, histories: Histories) -> np.ndarray:
        from scipy.sparse import csr_array

        distinct, place = np.unique(histories.rows, return_inverse=True)
        weights = csr_array((histories.weights(self.decay), place, histories.offsets), shape=(len(histories), len(distinct)))
        return np.asarray(weights @ self._alike(distinct), np.float32)

    def _alike(self, rows: np.ndarray) -> np.ndarray:
        """max(0, cosine)^power of some items with all: float32 [len(rows), n]."""
        ready = self._ready()
        cosines = ready[rows] @ ready.T
        alike = np.asarray(cosines if isinstance(cosines, np.ndarray) else cosines.toarray(), np.float32)
        np.maximum(alike, 0, out=alike)
        raised = alike.copy()
        for _ in range(self.power - 1):  # five times faster than numpy's power
            raised *= alike
        return raised

    def _ready(self) -> Any:
        """The vectors weighted and of length 1; worked out once and kept beside them."""
        vectors = fitted(self).vectors_
        held = self.__dict__.get("_held")
        if held is None or held[0] is not vectors:
            self.__dict__["_held"] = held = (vectors, weighted(vectors))
        return held[1]

    def for_items(self, items: Catalog) -> Self:
        places = _unchanged(fitted(self).items_, items)
        fresh = np.flatnonzero(places < 0)
        vectors = self.vectors_.take(np.maximum(places, 0)) if len(self.vectors_) else None
        encoder = self.encoder
        if len(fresh):
            encoder, more = read_by(encoder, items.take(fresh))
            vectors = _joined(self.vectors_, more, places)
        return copied(self, encoder=encoder, items_=items, vectors_=vectors)


def read_by(encoder: Stage, items: Catalog) -> tuple[Stage, Vectors | SparseVectors]:
    """The encoder with the new words of these items, and their vectors."""
    encoder = encoder.extended(items) if isinstance(encoder, Encoder) else encoder
    return encoder, bare(encoder(items))


def _unchanged(old: Catalog | None, new: Catalog) -> np.ndarray:
    """Where each thing of `new` stands in `old`: int32 [len(new)], -1 where it is new or its texts are."""
    assert old is not None
    places = moved(old, new).copy()
    there = np.flatnonzero(places >= 0)
    for name in (name for name in old.fields("text") if name in new.fields("text")):
        before, now = old.column(name).take(pa.array(places[there])), new.column(name).take(pa.array(there))
        places[there[np.asarray(pc.fill_null(before, "")) != np.asarray(pc.fill_null(now, ""))]] = -1
        there = np.flatnonzero(places >= 0)
    return places


def weighted(vectors: Vectors | SparseVectors) -> Any:
    """Rows of length 1, ready for cosines: dense ones centred, counts of words weighted by how rare the words are."""
    if isinstance(vectors, Vectors):
        rows = np.asarray(vectors.rows, np.float32)
        return unit(rows - rows.mean(0, keepdims=True)) if len(rows) else rows
    return _rare_words(vectors)


def _rare_words(vectors: SparseVectors) -> Any:
    """tf-idf with rows of length 1, as a SciPy matrix."""
    from scipy.sparse import csr_array

    frequency = np.bincount(vectors.columns, minlength=vectors.dim)
    rarity = np.log((len(vectors) + 1) / np.maximum(frequency, 1))
    values = np.log1p(np.maximum(vectors.values, 0)) * rarity[vectors.columns]
    owner = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
    length = np.sqrt(np.bincount(owner, values**2, minlength=len(vectors)))
    values = values / np.where(length > 0, length, 1)[owner]
    return csr_array((values.astype(np.float32), vectors.columns, vectors.offsets), shape=(len(vectors), vectors.dim))


def bare(vectors: Any) -> Vectors | SparseVectors:
    """The vectors without their catalogue, which the profile holds itself."""
    if isinstance(vectors, Vectors):
        return Vectors(vectors.rows)
    if isinstance(vectors, SparseVectors):
        return SparseVectors(vectors.offsets, vectors.columns, vectors.values, vectors.dim)
    raise StageError(f"ContentProfile takes one dense or sparse vector an item, got {type(vectors).__name__}; pool several into one first")


def _joined(old: Any, fresh: Any, places: np.ndarray) -> Vectors | SparseVectors:
    """For each item the old vector at its place, or the next fresh one where the place is -1."""
    order = places.astype(np.int64)
    order[places < 0] = len(old) + np.arange((places < 0).sum())
    if isinstance(old, Vectors):
        return Vectors(np.concatenate([old.rows, fresh.rows.astype(old.rows.dtype)])[order])
    dim = max(old.dim, fresh.dim)  # an extended vocabulary keeps the columns of the old words
    offsets = np.concatenate([old.offsets, old.offsets[-1] + fresh.offsets[1:]])
    both = [np.concatenate(each) for each in ((old.columns, fresh.columns), (old.values, fresh.values))]
    return SparseVectors(offsets, *both, dim).take(order)
