"""One question answered by two stages: a query by two searches, or a history by searches and by the recommender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nearkin.service.answering import Asking, hits_of
from nearkin.service.pages import listing
from nearkin.service.problems import unknown
from nearkin.service.rankings import Nearest, Next, Ranking, nearest, not_there
from nearkin.service.requests import ById, CompareRequest
from nearkin.service.view import View
from nearkin.tables import Catalog

RECOMMEND = "recommend"  # the recommender, as a side of a history
SIDES = ("a", "b")


def compare(asked: CompareRequest, asking: Asking) -> dict[str, Any]:
    """Both lists, where each hit stands in the other, and how alike the lists are."""
    view, _ = asking.view(asked)
    sides = {}
    for side in SIDES:
        with asking.clock.step(side):
            ranking = _ranking(view, asked, asking.baked, side)
            sides[side] = listing(ranking.rank, asked.k, spare=ranking.spare).places[0][: asked.k]
    ranks = {side: {place.row: rank for rank, place in enumerate(places, 1)} for side, places in sides.items()}
    lists = {side: hits_of(view, places, 0, 0, asked.fields, {}, None) for side, places in sides.items()}
    for side, other in (SIDES, SIDES[::-1]):
        for hit, place in zip(lists[side], sides[side], strict=True):
            hit["rank_in_other"] = ranks[other].get(place.row)
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "took_by_step": asking.clock.steps,
        "a": {"stage": asked.a, "hits": lists["a"]},
        "b": {"stage": asked.b, "hits": lists["b"]},
        "overlap": len(ranks["a"].keys() & ranks["b"].keys()),
        "rank_correlation": _correlation(ranks["a"], ranks["b"]),
        "warnings": [],
    }


def _ranking(view: View, asked: CompareRequest, baked: str | None, side: str) -> Ranking:
    stage = getattr(asked, side)
    if asked.after is None:
        view.stage(stage, f"/{side}")
        return nearest(view, [asked.query], asked.where, baked, stage, None)  # type: ignore[list-item]
    if stage not in (*view.stages, RECOMMEND):
        raise unknown("stage", stage, (*view.stages, RECOMMEND), f"/{side}")
    visible = view.keep(None, baked)
    rows = [view.row(name, visible) for name in asked.after]
    if missing := [(f"/after/{place}", name) for place, (name, row) in enumerate(zip(asked.after, rows, strict=True)) if row < 0]:
        raise not_there(missing)
    keep = view.keep(asked.where, baked)
    return Next(view, Catalog.histories([asked.after]), keep) if stage == RECOMMEND else _like_the_last(view, asked, baked, stage, rows)


def _like_the_last(view: View, asked: CompareRequest, baked: str | None, stage: str, rows: list[int]) -> Nearest:
    """What a search has to say of a history: what is like the thing that came last, those of the history left out."""
    found = nearest(view, [ById(id=asked.after[-1])], asked.where, baked, stage, None)  # type: ignore[index]
    assert isinstance(found, Nearest)
    keep = np.ones(len(view.catalog), bool) if found.keep is None else found.keep.copy()
    keep[rows] = False
    return replace(found, keep=keep)


def _correlation(one: Mapping[int, int], other: Mapping[int, int]) -> float | None:
    """Spearman's, over the things that both lists hold; None below two of them."""
    shared = sorted(one.keys() & other.keys())
    if len(shared) < 2:
        return None
    places = [np.argsort(np.argsort([ranks[row] for row in shared])) for ranks in (one, other)]
    return round(float(np.corrcoef(places[0], places[1])[0, 1]), 6)
