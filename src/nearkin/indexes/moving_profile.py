"""`ContentProfile` over things that come and go: only those that come are encoded, and the others are not copied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from nearkin.indexes.content_profile import ContentProfile, read_by
from nearkin.indexes.from_history import LinearRecommender, copied
from nearkin.indexes.histories import Histories
from nearkin.tables import Catalog, Links, SparseVectors, Vectors


@dataclass(kw_only=True, eq=False)
class MovingProfile(LinearRecommender):
    """The answers of a profile for the things of now: statistics are those of the present things, as if it were fitted on them.

    `first`: the vectors of the things it began with; `later`: of those that came since, gone ones among them; `order`: int64 [n], the
    place of each thing among both. Sparse: a_ct = log(1 + count), r_t = log((n + 1) / n_t), cosine = sum of a_ht r_t^2 a_ct / (|h| |c|),
    so neither the lists of terms nor their weights change when things come: only r and the lengths, one pass over the numbers.
    Dense: cosine of rows less the mean m, <h - m, c - m> = <h - m, c> - <h - m, m>.
    """

    profile: ContentProfile
    first: Part
    later: Part
    order: np.ndarray
    items_: Catalog
    k: int = 10
    repeats: bool = False

    @classmethod
    def of(cls, profile: ContentProfile) -> Self:
        """Of a fitted profile, over the same things."""
        vectors, items = profile.vectors_, profile.items_
        assert vectors is not None
        assert items is not None
        first = Part(vectors)
        order = np.arange(len(vectors))
        return cls(
            profile=profile, first=first, later=Part(vectors.take([])), order=order, items_=items, k=profile.k, repeats=profile.repeats
        )

    def followed(self, items: Catalog, moved: np.ndarray, fresh: Catalog) -> Self:
        """Over the things after a change: rows moved (int32, by the old row; -1: gone), and fresh ones behind."""
        profile, later = self.profile, self.later
        if len(fresh):
            encoder, more = read_by(profile.encoder, fresh)
            profile, later = copied(profile, encoder=encoder), later.followed_by(more)
        new = len(self.first) + np.arange(len(self.later), len(later))
        order = np.concatenate([self.order[moved >= 0], new])
        return type(self)(profile=profile, first=self.first, later=later, order=order, items_=items, k=self.k, repeats=self.repeats)

    def fit(self, interactions: Links) -> Self:
        return self.of(self.profile.fit(interactions))

    def for_items(self, items: Catalog) -> Self:
        return self.of(self.profile.for_items(items))

    def block(self, histories: Histories) -> np.ndarray:
        from scipy.sparse import csr_array

        distinct, place = np.unique(histories.rows, return_inverse=True)
        weights = csr_array((histories.weights(self.profile.decay), place, histories.offsets), shape=(len(histories), len(distinct)))
        alike = np.maximum(self._cosines(distinct), 0)
        raised = alike.copy()
        for _ in range(self.profile.power - 1):
            raised *= alike
        return np.asarray(weights @ raised, np.float32)

    def _cosines(self, rows: np.ndarray) -> np.ndarray:
        """Of some things with all: float32 [len(rows), n]."""
        places, size = self.order[rows], len(self.first)
        early = places < size
        found = np.empty((len(rows), len(self.order)), np.float32)
        for own, part, low in ((early, self.first, 0), (~early, self.later, size)):
            if own.any():
                asked, extra = self._asking(part.vectors.take(places[own] - low), self._lengths[rows[own]])
                products = np.concatenate([each.products(asked) for each in (self.first, self.later)], axis=1) - extra
                found[own] = products[:, self.order] / self._lengths
        return found

    def _asking(self, vectors: Any, lengths: np.ndarray) -> tuple[Any, np.ndarray]:
        """What the vectors of all are multiplied with, and what is taken off the products: [h, v] and [h, 1]."""
        if isinstance(vectors, Vectors):
            rows = (vectors.rows.astype(np.float32) - self._mean) / lengths[:, None]
            return rows, rows @ self._mean[:, None]
        matrix = matrix_of(vectors)
        matrix.data = matrix.data * self._rarity[matrix.indices] ** 2 / np.repeat(lengths, np.diff(matrix.indptr))
        return matrix, np.zeros((len(lengths), 1), np.float32)

    @cached_property
    def _mean(self) -> np.ndarray:
        """Of the dense vectors: float32 [d]."""
        used = self._used
        total = sum((part.vectors.rows[own].sum(0, dtype=np.float64) for part, own in used), np.zeros(self.first.vectors.dim))
        return (total / max(len(self.order), 1)).astype(np.float32)

    @cached_property
    def _rarity(self) -> np.ndarray:
        """Of each term: float64 [v]."""
        dim = max(self.first.vectors.dim, self.later.vectors.dim)
        held = np.zeros(dim, np.int64)
        for part, own in self._used:
            held[: part.vectors.dim] += part.held_by(own)
        return np.log((len(self.order) + 1) / np.maximum(held, 1))

    @cached_property
    def _lengths(self) -> np.ndarray:
        """Of the weighted vectors of the present things, 1 where there is nothing: float32 [n]."""
        if isinstance(self.first.vectors, Vectors):
            squares = [part.squares_from(self._mean) for part in (self.first, self.later)]
        else:
            squares = [part.squared @ self._rarity[: part.vectors.dim] ** 2 for part in (self.first, self.later)]
        lengths = np.sqrt(np.concatenate(squares)[self.order])
        return np.where(lengths > 0, lengths, 1).astype(np.float32)

    @cached_property
    def _used(self) -> list[tuple[Part, np.ndarray]]:
        """Both parts, and which of their rows are present things: bool."""
        used = np.zeros(len(self.first) + len(self.later), bool)
        used[self.order] = True
        return [(self.first, used[: len(self.first)]), (self.later, used[len(self.first) :])]


class Part:
    """Vectors of some things, as an encoder gave them, and what is worked out of them once."""

    def __init__(self, vectors: Vectors | SparseVectors) -> None:
        self.vectors: Any = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def followed_by(self, more: Any) -> Part:
        """These and more behind; sparse ones may have more columns."""
        held = self.vectors
        if isinstance(held, Vectors):
            return Part(Vectors(np.concatenate([held.rows, more.rows.astype(held.rows.dtype)])))
        offsets = np.concatenate([held.offsets, held.offsets[-1] + more.offsets[1:]])
        columns, values = np.concatenate([held.columns, more.columns]), np.concatenate([held.values, more.values])
        return Part(SparseVectors(offsets, columns, values, more.dim))

    def products(self, asked: Any) -> np.ndarray:
        """Of some rows, dense or sparse with more columns perhaps, with all of these: float32 [h, n]."""
        if isinstance(self.vectors, Vectors):
            return np.asarray(asked @ self.vectors.rows.T.astype(np.float32, copy=False))
        return np.asarray((resized(asked, self.vectors.dim) @ self._by_term).toarray(), np.float32)

    @cached_property
    def _by_term(self) -> Any:
        return matrix_of(self.vectors).T.tocsr()

    @cached_property
    def squared(self) -> Any:
        """The squares of sparse rows."""
        matrix = matrix_of(self.vectors)
        matrix.data = matrix.data**2
        return matrix

    def squares_from(self, mean: np.ndarray) -> np.ndarray:
        """Squared distances of dense rows from a point: float64 [n]."""
        apart = np.asarray(self.vectors.rows, np.float32) - mean
        return np.einsum("nd,nd->n", apart, apart, dtype=np.float64)

    def held_by(self, own: np.ndarray) -> np.ndarray:
        """How many of some rows (bool [n]) hold each term: int64 [v]."""
        vectors = self.vectors
        if own.all():
            return self._held_by_all
        gone = vectors.take(np.flatnonzero(~own))
        return self._held_by_all - np.bincount(gone.columns, minlength=vectors.dim)

    @cached_property
    def _held_by_all(self) -> np.ndarray:
        return np.bincount(self.vectors.columns, minlength=self.vectors.dim)


def matrix_of(vectors: SparseVectors) -> Any:
    """log(1 + count) as a SciPy matrix."""
    from scipy.sparse import csr_array

    values = np.log1p(np.maximum(vectors.values, 0))
    return csr_array((values, vectors.columns, vectors.offsets), shape=(len(vectors), vectors.dim))


def resized(matrix: Any, dim: int) -> Any:
    """Sparse rows over more or fewer columns; what stands beyond is left out."""
    other = matrix.copy()
    other.resize(matrix.shape[0], dim)
    return other
