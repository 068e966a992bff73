"""Matching that takes minutes: a collection with a whole table or with itself, kept for people to look through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.collection import Collection
from nearkin.collection.partnering import estimate, matched, matched_alone, once, warnings
from nearkin.errors import BadInput
from nearkin.matching import partners
from nearkin.matching.partners import BANDS
from nearkin.service.limits import MATCH_JOB_ROWS
from nearkin.service.matches import Asked, KeptMatches
from nearkin.service.view import View
from nearkin.tables import Catalog

Say = Callable[..., None]
THRESHOLD = 0.9  # of the bands that the result tells


def keep_match(
    shop: Collection, table: Catalog | None, name: str | None, where: str | None, *, one_to_one: bool, say: Say
) -> dict[str, Any]:
    """Match the table (or the collection with itself) and keep the pairs; their number in each band.

    Refused: more rows than `MATCH_JOB_ROWS`, for memory grows with their candidates.
    """
    keep = View(shop).keep(where)
    _check(table, shop, keep)
    if table is None:
        say("matching the collection with itself")
        found = matched_alone(shop, keep=keep)
        chosen = once(found)
    else:
        say(f"matching {len(table):,} rows with {len(shop):,} things", total=len(table))
        found = matched(shop, table, keep=keep, one_to_one=one_to_one, say=lambda done: say(f"looked up {done:,} rows", done=done))
        chosen = partners(found)
    kept = KeptMatches(shop.place).add(found, chosen, Asked(name if table is not None else None, where, shop.version, one_to_one))
    bands, (expected, precision) = chosen.bands(THRESHOLD), estimate(found)
    return {
        "match": kept,
        "pairs": len(bands),
        "bands": {band: bands.count(band) for band in BANDS},
        "expected": expected,
        "precision": precision,
        "warnings": warnings(found),
        "version": shop.version,
    }


def table_of(path: Path, id_field: str | None) -> Catalog:
    """The rows of a file, or the things of another collection."""
    if (path / "kin.toml").is_file():
        return Collection.open(path).catalog
    from nearkin.readers import read

    return read(path, id=id_field)


def _check(table: Catalog | None, shop: Collection, keep: np.ndarray | None) -> None:
    rows = len(table) if table is not None else len(shop) if keep is None else int(np.count_nonzero(keep))
    if rows > MATCH_JOB_ROWS:
        raise BadInput(f"{rows:,} rows are to be matched, {MATCH_JOB_ROWS:,} at most at once; narrow them down with a filter, or in parts")
