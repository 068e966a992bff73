"""One list of hits for all pages: what stands at a place does not depend on how many are asked for.

A search of a collection looks at the first DEPTH hits of each branch; a deeper one may order the same things a little differently. So
the list goes by tiers: the hits of the usual search, then what a deeper search adds to them, then what a still deeper one adds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nearkin.service.limits import OFFSET, POOL, K
from nearkin.tables import Hits

TIERS = (POOL, 10 * POOL, OFFSET + K + 1)  # hits asked of each search


class Place(NamedTuple):
    """One hit in the list: its row, score, and the depth of the search that brought it."""

    row: int
    score: float
    depth: int
    chance: float | None = None


@dataclass(frozen=True)
class Listing:
    """The places of each query, as far as they were needed; `ended`: whether there are no more.

    `pool`: the places of the first tier, whatever was asked for; `pool_full`: whether that tier holds as many as it may.
    """

    places: list[list[Place]]
    pool: list[list[Place]]
    pool_full: list[bool]
    ended: list[bool]


@dataclass(frozen=True)
class Ranked:
    """What a search of some depth found; chances [q, k] where they are known; `full`: whether a query has at least `depth` hits."""

    hits: Hits
    chances: np.ndarray | None
    full: list[bool]


Rank = Callable[[int], Ranked]


def listing(rank: Rank, wanted: int, *, spare: int = 0) -> Listing:
    """The first places of each query, at least `wanted` where there are so many.

    `spare`: how many of a search's hits may be left out afterwards (the thing itself, for what is similar to it).
    """
    places: list[list[Place]] = []
    pool: list[list[Place]] = []
    pool_full: list[bool] = []
    ended: list[bool] = []
    for depth in TIERS:
        ranked = rank(depth)
        found = [_places(ranked, query, depth) for query in range(len(ranked.hits))]
        if not places:
            pool, pool_full = found, ranked.full
        places = found if not places else [before + _more(before, now) for before, now in zip(places, found, strict=True)]
        ended = [not full for full in ranked.full]
        if wanted <= depth - spare or all(ended):
            break
    return Listing(places, pool, pool_full, ended)


def _places(ranked: Ranked, query: int, depth: int) -> list[Place]:
    hits, chances = ranked.hits, ranked.chances
    there = np.flatnonzero(hits.rows[query] >= 0)
    rows, scores = hits.rows[query, there].tolist(), hits.scores[query, there].tolist()
    sure = [None] * len(there) if chances is None else chances[query, there].tolist()
    return [Place(row, score, depth, chance) for row, score, chance in zip(rows, scores, sure)]


def _more(before: list[Place], now: list[Place]) -> list[Place]:
    seen = {place.row for place in before}
    return [place for place in now if place.row not in seen]
