"""Given pairs of things of a collection: is each of them the same thing twice?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nearkin.collection.answers import title_of
from nearkin.collection.partnering import near, warnings, why
from nearkin.collection.partners import Partner, Partnered
from nearkin.errors import BadInput
from nearkin.matching import duplicates, given_pairs
from nearkin.tables import Catalog

if TYPE_CHECKING:
    from nearkin.collection.collection import Collection

Thing = dict[str, Any]


def paired(
    shop: Collection, left: np.ndarray, right: np.ndarray, *, keep: np.ndarray | None = None, threshold: float, explain: bool
) -> Partnered:
    """Whether the things at these rows are the same, pair by pair, in their order; `right` is told in every band.

    left, right: int [m], rows of the catalogue. What the same thing looks like is learned from the things near any of them; keep:
    bool [n], those that may be. Cost: a search a stage and thing, then that of `duplicates` with the things found.
    """
    own = np.union1d(left, right).astype(np.int64)
    if not len(own):
        return Partnered([], [], None, None)
    rows = np.union1d(near(shop, shop.catalog.take(own), keep), own)
    things, here, there = shop.catalog.take(rows), np.searchsorted(rows, left), np.searchsorted(rows, right)
    found = duplicates(things, also=(here, there))
    chosen = given_pairs(found, here, there)
    bars, bands = found.waterfall(chosen.places), chosen.bands(threshold)
    answers = []
    sides = (things.table.take(side).to_pylist() for side in (here, there))  # a thing may stand in several pairs
    for at, (one, other) in enumerate(zip(*sides, strict=True)):
        because = why(bars, at, one, other) if explain else {}
        answers.append(_partner(things, one, other, bands[at], float(chosen.chances[at]), float(bars.scores[at]), because))
    return Partnered(answers, found.columns, None, None, warnings(found))


def rows_of_pairs(catalog: Catalog, pairs: Sequence[tuple[str, str]], keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Both sides as rows. Refused: ids that are not there or outside the filter, a thing beside itself."""
    left, right = (catalog.rows_of([pair[side] for pair in pairs]) for side in (0, 1))
    outside = [
        name for pair, *rows in zip(pairs, left, right, strict=True) for name, row in zip(pair, rows) if keep is not None and not keep[row]
    ]
    if outside:
        raise BadInput(f"{len(outside)} ids of the pairs do not pass the filter: {outside[:5]}; leave them out, or the filter")
    if (same := np.flatnonzero(left == right)).size:
        raise BadInput(f"{len(same)} pairs hold a thing beside itself: {[pairs[place][0] for place in same[:5]]}; give two things")
    return left, right


def _partner(things: Catalog, one: Thing, other: Thing, band: str, chance: float, score: float, because: Thing) -> Partner:
    left, right = one[things.id_field], other[things.id_field]
    told = None if np.isnan(chance) else chance
    return Partner(left, right, band, told, score, title_of(other, right, things.fields("text")), other, because)
