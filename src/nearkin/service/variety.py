"""Hits that are unlike each other: the first hundred of a list in another order, the same for every page of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nearkin.collection.branch import Placed
from nearkin.collection.texts import searchable
from nearkin.refiners.diversify import Diversify
from nearkin.service.pages import Listing, Place
from nearkin.service.problems import refused
from nearkin.service.view import View
from nearkin.tables import Hits, Vectors


def varied(found: Listing, view: View, diversity: float | None) -> Listing:
    """The list with its pool by maximal marginal relevance: (1 - diversity) * relevance - diversity * likeness to those before.

    The pool is the same for every `k` and `offset`, and all of it is put in order, so pages are still cut from one list, counts stay,
    and a hit keeps its score; what comes after the pool stays where it was. Vectors: those of the first stage that has dense ones.
    Refused: a collection without such a stage.
    """
    if not diversity:
        return found
    lists, at = _lists(found.pool)
    if not at:
        return found
    hits = Diversify(vectors=_vectors(view, list(at)), k=lists.k, balance=1 - diversity)(lists)
    rows = list(at)
    pool = [_in_order(pool, [rows[place] for place in line if place >= 0]) for pool, line in zip(found.pool, hits.rows.tolist())]
    places = [first + whole[len(first) :] for first, whole in zip(pool, found.places, strict=True)]
    return replace(found, pool=pool, places=places)


def _lists(pools: Sequence[Sequence[Place]]) -> tuple[Hits, Mapping[int, int]]:
    """The pools as hits over the rows that stand in any of them, and where each row stands among these."""
    at = {row: place for place, row in enumerate(sorted({place.row for pool in pools for place in pool}))}
    shape = len(pools), max(1, *map(len, pools))
    rows, scores = np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32)
    for query, pool in enumerate(pools):
        rows[query, : len(pool)] = [at[place.row] for place in pool]
        scores[query, : len(pool)] = [place.score for place in pool]
    return Hits(rows, scores, None, None), at


def _in_order(pool: Sequence[Place], rows: Sequence[int]) -> list[Place]:
    by_row = {place.row: place for place in pool}
    return [by_row[row] for row in rows]


def _vectors(view: View, rows: Sequence[int]) -> Vectors:
    """Dense vectors of the things in these rows."""
    stages = [view.shop.stage(name) for name in view.shop.manifest.search]
    encoder = next((stage.encoder for stage in stages if isinstance(stage, Placed) and stage.encoder.gives is Vectors), None)
    if encoder is None:
        raise refused("diversity needs a stage of dense vectors, and this collection has none", "stage", "/diversity")
    vectors = encoder(searchable(view.catalog.take(np.asarray(rows, np.int64))))
    assert isinstance(vectors, Vectors)
    return vectors
