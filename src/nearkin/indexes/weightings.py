"""What one occurrence of a term is worth: the BM25 family, and weights that come ready made."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from nearkin.errors import BadInput
from nearkin.stage import Stage
from nearkin.tables import SparseVectors


class Weighting(Stage):
    """Term counts of a whole collection to the weights that its search adds up: SparseVectors[n, v] -> SparseVectors[n, v].

    score(query, item) = sum over terms t of query count(t) * rarity(t) * gain(count of t in the item, length / mean length)

    in which a term that the item lacks counts with gain(0), and a term that no item has counts 0.
    """

    takes = SparseVectors
    gives = SparseVectors

    @abstractmethod
    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        """How many of so many items hold each term (1 or more) -> float64, the weight of the term."""

    @abstractmethod
    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Counts in an item, and the length of that item in mean lengths -> float64."""

    def __call__(self, counts: SparseVectors) -> SparseVectors:
        """The weights of these items among themselves, less what a lacking term gets."""
        held_by = np.bincount(counts.columns, minlength=counts.dim)
        owner = np.repeat(np.arange(len(counts)), np.diff(counts.offsets))
        lengths = np.bincount(owner, counts.values, len(counts))
        shares = lengths / max(lengths.mean(), 1e-300) if len(counts) else lengths
        gains = self.gain(counts.values.astype(np.float64), shares[owner]) - lacking(self)
        values = self.rarity(held_by[counts.columns], len(counts)) * gains
        return SparseVectors(counts.offsets, counts.columns, values, counts.dim, counts.things)


def lacking(weighting: Weighting) -> float:
    """The gain of a term that an item does not have."""
    return float(weighting.gain(np.zeros(1), np.ones(1))[0])


@dataclass(frozen=True, kw_only=True)
class Bm25(Weighting):
    """BM25 as Lucene computes it: log(1 + (n - df + .5) / (df + .5)) * tf / (tf + k1 * (1 - b + b * length)).

    Source: Kamphuis et al., "Which BM25 Do You Mean?", ECIR 2020, "Lucene (accurate)"; lengths are exact, not in one byte.
    """

    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        _check(self.k1, self.b)

    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        return np.log1p((items - held_by + 0.5) / (held_by + 0.5))

    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        return count / (count + self.k1 * (1 - self.b + self.b * length))


@dataclass(frozen=True, kw_only=True)
class Okapi(Weighting):
    """The first BM25: log((n - df + .5) / (df + .5)), 0 for a term of more than half of the items, * tf / (tf + k1 * (...)).

    Source: Robertson et al., TREC-3, 1994; the floor at 0 in place of a negative weight, as in bm25s ("robertson").
    """

    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        _check(self.k1, self.b)

    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        return np.log(np.maximum((items - held_by + 0.5) / (held_by + 0.5), 1))

    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        return count / (count + self.k1 * (1 - self.b + self.b * length))


@dataclass(frozen=True, kw_only=True)
class Bm25L(Weighting):
    """BM25 that does not punish long items too much: log((n + 1) / (df + .5)) * (k1 + 1) * (c + delta) / (k1 + c + delta).

    c = tf / (1 - b + b * length). Source: Lv and Zhai, SIGIR 2011, in the form of Kamphuis et al. 2020 and bm25s: a lacking term
    counts with c = 0, which is the same for every item.
    """

    k1: float = 1.2
    b: float = 0.75
    delta: float = 0.5

    def __post_init__(self) -> None:
        _check(self.k1, self.b, self.delta)

    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        return np.log((items + 1) / (held_by + 0.5))

    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        share = count / (1 - self.b + self.b * length) + self.delta
        return (self.k1 + 1) * share / (self.k1 + share)


@dataclass(frozen=True, kw_only=True)
class Bm25Plus(Weighting):
    """BM25 with a least gain: log((n + 1) / df) * ((k1 + 1) * tf / (tf + k1 * (1 - b + b * length)) + delta).

    Source: Lv and Zhai, CIKM 2011, in the form of Kamphuis et al. 2020 and bm25s, in which a lacking term counts delta too. So
    delta shifts all scores of a query alike; the paper adds it for present terms only.
    """

    k1: float = 1.2
    b: float = 0.75
    delta: float = 1.0

    def __post_init__(self) -> None:
        _check(self.k1, self.b, self.delta)

    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        return np.log((items + 1) / held_by)

    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        return (self.k1 + 1) * count / (count + self.k1 * (1 - self.b + self.b * length)) + self.delta


@dataclass(frozen=True, kw_only=True)
class Impacts(Weighting):
    """Weights as they come, for learned sparse vectors such as SPLADE's: the score is the inner product."""

    def rarity(self, held_by: np.ndarray, items: int) -> np.ndarray:
        return np.ones(len(held_by))

    def gain(self, count: np.ndarray, length: np.ndarray) -> np.ndarray:
        return np.asarray(count, np.float64)


def _check(k1: float, b: float, delta: float = 0) -> None:
    if not (k1 > 0 and 0 <= b <= 1 and delta >= 0):
        raise BadInput(f"expected k1 > 0, b in [0, 1] and delta >= 0, got k1={k1}, b={b}, delta={delta}")
