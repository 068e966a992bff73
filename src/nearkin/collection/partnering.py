"""Matching other tables with the things of a collection: its own stages bring the candidates, the matcher judges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nearkin.collection.answers import title_of
from nearkin.collection.partners import NO_ESTIMATE, Partner, Partnered
from nearkin.collection.texts import as_queries
from nearkin.errors import BadInput
from nearkin.matching import Matches, Partners, duplicates, match, pairs_once, partners
from nearkin.matching.partners import NO
from nearkin.matching.waterfall import Waterfall
from nearkin.tables import Catalog

if TYPE_CHECKING:
    from nearkin.collection.collection import Collection

RETRIEVED = 20  # things that each stage brings for a row
CHUNK = 1_000  # rows asked for at once
Say = Callable[[int], object]  # told how many rows were looked up


def matched(
    shop: Collection, table: Catalog, *, keep: np.ndarray | None = None, one_to_one: bool = True, say: Say | None = None
) -> Matches:
    """The rows of a table against the things near any of them, by each stage of the collection; the links' right rows are those things.

    keep: bool [n], the things that may be found. Cost: a search a stage and row, then that of `match` with the things found.
    """
    return match(table, shop.catalog.take(near(shop, table, keep, say)), one_to_one=one_to_one)


def near(shop: Collection, table: Catalog, keep: np.ndarray | None, say: Say | None = None) -> np.ndarray:
    """The things that any stage brings for any row: int64 [m], ascending."""
    rows: np.ndarray = np.zeros(0, np.int64)
    for start in range(0, len(table), CHUNK):
        part = as_queries(table.take(np.arange(start, min(start + CHUNK, len(table)))))
        for stage in shop.manifest.search:
            found = shop.ranked(part, k=RETRIEVED, keep=keep, stage=stage).rows
            rows = np.union1d(rows, found[found >= 0])
        if say is not None:
            say(start + len(part))
    return rows


def matched_alone(shop: Collection, *, keep: np.ndarray | None = None) -> Matches:
    """The things against each other."""
    return duplicates(shop.catalog if keep is None else shop.catalog.take(np.flatnonzero(keep)))


def once(found: Matches) -> Partners:
    """Each pair of things of one collection once, surest first."""
    return pairs_once(found, partners(found))


def partnered(found: Matches, chosen: Partners, *, threshold: float, explain: bool, unlinked: bool) -> Partnered:
    """The chosen pairs as answers; `unlinked`: also the rows of the band `no`, and those for which nothing was found."""
    bars = found.waterfall(chosen.places) if explain else None
    told = list(zip(chosen.places.tolist(), chosen.chances.tolist(), chosen.bands(threshold), strict=True))
    answers = [_partner(found, place, at, chance, band, bars) for at, (place, chance, band) in enumerate(told) if unlinked or band != NO]
    if unlinked:
        answers = _each_row(found, answers, found.features_.pairs.left_rows[chosen.places].tolist())
    return Partnered(answers, found.columns, *estimate(found), warnings(found))


def estimate(found: Matches) -> tuple[float | None, float | None]:
    """How many rows have a partner, and the share of links that are right, as far as that can be told."""
    return (None, None) if found.learned_.few else (round(found.expected_matches, 6), round(found.precision, 6))


def warnings(found: Matches) -> list[str]:
    """What makes the chances doubtful, or impossible to tell."""
    return [NO_ESTIMATE] if found.learned_.few else [found.warning] if found.warning else []


def checked_threshold(threshold: float) -> float:
    if not 0.5 <= threshold < 1:
        raise BadInput(f"threshold is how sure a decision must be, from 0.5 to below 1; got {threshold}")
    return threshold


def why(bars: Waterfall, at: int, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """The bars of one pair with what both things say."""
    parts = []
    for part, weight in zip(bars.parts, bars.weights[at].tolist(), strict=True):
        here, there = part.said(left, right)
        parts.append({"name": part.name, "left": here, "right": there, "weight": weight})
    return {"scale": "log-odds" if bars.learned else "likeness", "start": bars.start, "parts": parts}


def _partner(found: Matches, place: int, at: int, chance: float, band: str, bars: Waterfall | None) -> Partner:
    left, right = found.links.left, found.links.right
    here, there = (int(rows[place]) for rows in (found.features_.pairs.left_rows, found.features_.pairs.right_rows))
    told = None if np.isnan(chance) else chance
    score, row = float(found.learned_.scores[place]), left.ids[here].as_py()
    if band == NO:
        return Partner(row, None, NO, told, score)
    name, thing = right.ids[there].as_py(), right.table.slice(there, 1).to_pylist()[0]
    because = {} if bars is None else why(bars, at, left.table.slice(here, 1).to_pylist()[0], thing)
    return Partner(row, name, band, told, score, title_of(thing, name, right.fields("text")), thing, because)


def _each_row(found: Matches, answers: list[Partner], rows: list[int]) -> list[Partner]:
    """The answers of the rows in order, with one that says no for each row that has none."""
    told: list[list[Partner]] = [[] for _ in range(len(found.links.left))]
    for row, answer in zip(rows, answers, strict=True):
        told[row].append(answer)
    names = found.links.left.id_list
    return [answer for row, those in enumerate(told) for answer in those or [Partner(names[row], None, NO)]]
