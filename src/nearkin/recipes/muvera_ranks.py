"""Candidates against recall: where the exact neighbours stand in an order, and when the single-vector heuristic meets them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


def ranks_of(asked: np.ndarray | None, rows: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many items stand before each true neighbour, int64 [q, t]: by the products of both, or, with `asked` None, by scores [q, n]."""
    scores = rows if asked is None else asked @ rows.T
    found = np.empty(truth.shape, np.int64)
    for line, own, wanted in zip(found, scores, truth):
        line[:] = (own > own[wanted][:, None]).sum(1)
    return found


def needed(ranks: np.ndarray, wanted: float) -> int:
    """The fewest candidates a query with which the mean recall is `wanted`."""
    return int(np.sort(ranks, axis=None)[int(np.ceil(wanted * ranks.size - 1e-9)) - 1]) + 1


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What the single-vector heuristic finds as it takes 1, 2, ... vectors a query vector."""

    first: np.ndarray  # int64 [q, t]: a true neighbour is a candidate from first + 1 vectors a query vector on
    counts: np.ndarray  # int64 [q, e]: different candidates with 1..e vectors a query vector

    def needed(self, wanted: float) -> tuple[int, float]:
        """The fewest vectors a query vector with which the mean recall is `wanted`, and the mean candidates then (all tried, if none)."""
        recalls = [(self.first < each).mean() for each in range(1, self.counts.shape[1] + 1)]
        each = next((place + 1 for place, recall in enumerate(recalls) if recall >= wanted), len(recalls))
        return each, float(self.counts[:, each - 1].mean())

    def with_candidates(self, count: int) -> int:
        """The fewest vectors a query vector that give `count` candidates in the mean, or the most tried."""
        return int(min(np.searchsorted(self.counts.mean(0), count) + 1, self.counts.shape[1]))


def reached(owners: np.ndarray, offsets: np.ndarray, truth: np.ndarray) -> Reached:
    """owners: int [query vectors, e], the item that owns each vector found, nearest first; offsets int64 [q + 1]; truth int [q, t]."""
    most = owners.shape[1]
    first, counts = np.full(truth.shape, most), np.empty((len(truth), most), np.int64)
    for query, (start, stop) in enumerate(pairwise(offsets)):
        items, place = np.unique(owners[start:stop], return_inverse=True)
        earliest = np.full(len(items), most)
        np.minimum.at(earliest, place.ravel(), np.tile(np.arange(most), stop - start))
        counts[query] = np.searchsorted(np.sort(earliest), np.arange(most), side="right")
        found = dict(zip(items.tolist(), earliest.tolist()))
        first[query] = [found.get(item, most) for item in truth[query].tolist()]
    return Reached(first=first, counts=counts)


def ratio(ranks: np.ndarray, rival: Reached, wanted: float, seed: int, draws: int = 200) -> tuple[float, float]:
    """95 % interval of the rival's candidates over ours at equal recall, by bootstrap over queries."""
    random, found = np.random.default_rng(seed), []
    for _ in range(draws):
        drawn = random.integers(0, len(ranks), len(ranks))
        other = Reached(first=rival.first[drawn], counts=rival.counts[drawn])
        found.append(other.needed(wanted)[1] / needed(ranks[drawn], wanted))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
