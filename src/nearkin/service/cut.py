"""Where a list of hits should end: the line under which what still comes hardly ever fits."""

from __future__ import annotations

from typing import Any

from nearkin.errors import BadInput
from nearkin.service.pages import Listing
from nearkin.service.view import View

SHARE = 0.05  # under the line of the page, fewer than 1 in 20 fit


def is_calibrated(view: View) -> bool:
    """Whether the chances of hits are known."""
    return view.held("calibrated", lambda: _has_relevance(view))


def _has_relevance(view: View) -> bool:
    try:
        return view.shop.relevance is not None
    except BadInput:
        return False


def cuts_of(found: Listing, share: float) -> list[dict[str, Any]]:
    """For each query the rank of the last hit of the pool with at least this chance, and how many hits of the pool come after it.

    The pool is of a fixed size, so the line stands where it stands whatever page is asked for.
    """
    cuts = []
    for pool, full in zip(found.pool, found.pool_full, strict=True):
        rank = max((place for place, each in enumerate(pool, 1) if each.chance is not None and each.chance >= share), default=0)
        cuts.append({"rank": rank, "under": len(pool) - rank, "exact": not full})
    return cuts
