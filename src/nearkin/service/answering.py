"""From a request to the body of its answer; all of these run in a thread of their own, over one view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.collection.answers import title_of
from nearkin.collection.explain import Reasons
from nearkin.service import cursors
from nearkin.service.clock import Clock
from nearkin.service.cut import cuts_of
from nearkin.service.facets import counted
from nearkin.service.highlight import Marker
from nearkin.service.limits import POOL
from nearkin.service.pages import Listing, Place, listing
from nearkin.service.problems import refused
from nearkin.service.rankings import Next, Ranking, nearest, not_there
from nearkin.service.requests import ById, RecommendRequest, SearchRequest, Shown, SimilarRequest
from nearkin.service.variety import varied
from nearkin.service.view import ALL, View, plain
from nearkin.tables import Catalog, Hits


@dataclass(frozen=True)
class Asking:
    """Beside the body: the filter baked into the key, the clock, the secret of cursors, and how to come by other versions."""

    baked: str | None
    clock: Clock
    secret: bytes
    at: Callable[[int | None], View]

    def view(self, asked: Any) -> tuple[View, int]:
        """The view to answer from, and the offset to begin at."""
        if getattr(asked, "cursor", None) is None:
            return self.at(asked.version), getattr(asked, "offset", 0)
        if asked.offset:
            raise refused("give a cursor or an offset, not both", "both", "/offset")
        version, offset = cursors.read(self.secret, asked)
        return self.at(version), offset


def search(asked: SearchRequest, asking: Asking) -> dict[str, Any]:
    view, offset = asking.view(asked)
    with asking.clock.step("filter"):
        ranking = nearest(view, asked.queries, asked.where, asking.baked, asked.stage, asked.least)
    spans = Marker.of(view, ranking.queries) if asked.highlight else None
    return _answer(view, asked, asking, ranking, offset, asked.stage or ALL, spans)


def similar(asked: SimilarRequest, asking: Asking) -> dict[str, Any]:
    view, offset = asking.view(asked)
    with asking.clock.step("filter"):
        visible = view.keep(None, asking.baked)
        missing = [(f"/ids/{place}", name) for place, name in enumerate(asked.ids) if view.row(name, visible) < 0]
        if missing:
            raise not_there(missing)
        queries = [ById(id=name) for name in asked.ids]
        ranking = nearest(view, queries, asked.where, asking.baked, asked.stage, asked.least)
    return _answer(view, asked, asking, ranking, offset, asked.stage or ALL)


def recommend(asked: RecommendRequest, asking: Asking) -> dict[str, Any]:
    view, offset = asking.view(asked)
    histories = [asked.after] if asked.after is not None else asked.histories or []
    with asking.clock.step("filter"):
        keep, visible = view.keep(asked.where, asking.baked), view.keep(None, asking.baked)
        known = [[name for name in history if view.row(name, visible) >= 0] for history in histories]
        left_out = sum(map(len, histories)) - sum(map(len, known))
    warnings = [f"{left_out} ids of the histories are not here and were left out"] if left_out else []
    return _answer(view, asked, asking, Next(view, Catalog.histories(known), keep), offset, "recommend", warnings=warnings)


def _answer(
    view: View, asked: Shown, asking: Asking, ranking: Ranking, offset: int, stage: str,
    spans: Marker | None = None, warnings: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    many = len(ranking.queries) > 1
    fields = _countable(view, asked, many)
    clock, keep = asking.clock, ranking.keep
    with clock.step("search"):
        found = varied(listing(ranking.rank, offset + asked.k, spare=ranking.spare), view, asked.diversity)
    pages = [places[offset : offset + asked.k] for places in found.places]
    with clock.step("facets"):
        facets = {name: _facet(view, name, found.pool[0], keep) for name in fields}
    with clock.step("explain"):
        why = reasons(ranking, pages) if asked.explain else {}
    with clock.step("things"):
        hits = [hits_of(view, page, offset, query, asked.fields, why, spans) for query, page in enumerate(pages)]
    more = not many and _has_more(found, offset + asked.k)
    return {
        "version": view.version,
        "took_ms": clock.took_ms,
        "took_by_step": clock.steps,
        "stage": stage,
        "hits": hits,
        "total": _total(view, found, keep),
        "cuts": None if (share := getattr(asked, "cut", None)) is None else cuts_of(found, share),
        "facets": facets,
        "next": cursors.written(asking.secret, asked, view.version, offset + asked.k) if more else None,
        "warnings": list(warnings),
    }


def _countable(view: View, asked: Shown, many: bool) -> list[str]:
    """The fields to count. Refused: several queries at once, fields whose values mean nothing one by one."""
    fields = list(dict.fromkeys(asked.facets))
    if fields and many:
        raise refused("facets are counted for one query; send one query a request", "one-query", "/facets")
    if many and asked.cursor is not None:
        raise refused("a cursor belongs to one query", "one-query", "/cursor")
    for place, name in enumerate(fields):
        if name not in view.countable:
            raise refused(f"{name[:80]!r} cannot be counted; the fields that can are {view.countable}", "facet", f"/facets/{place}")
    return fields


def _facet(view: View, name: str, pool: list[Place], keep: np.ndarray | None) -> list[dict[str, Any]]:
    rows = np.array([place.row for place in pool], np.int64)
    return [{"value": plain(value), "n": few, "n_filter": whole} for value, few, whole in counted(view.values(name), rows, keep)]


def _total(view: View, found: Listing, keep: np.ndarray | None) -> dict[str, Any]:
    passing = len(view.catalog) if keep is None else int(np.count_nonzero(keep))
    return {
        "filter": passing,
        "relevant": sum(map(len, found.pool)),
        "exact": not any(found.pool_full),
        "pool": POOL,
    }


def _has_more(found: Listing, shown: int) -> bool:
    return len(found.places[0]) > shown or (not found.ended[0] and len(found.places[0]) >= shown)


def reasons(ranking: Ranking, pages: list[list[Place]]) -> Reasons:
    """Why each hit of the pages is there: asked of the search that brought it, so that the parts sum to its score."""
    told: Reasons = {}
    for depth in sorted({place.depth for page in pages for place in page}):
        chosen = [sorted((place for place in page if place.depth == depth), key=_best_first) for page in pages]
        width = max(map(len, chosen))
        rows, scores = np.full((len(pages), width), -1, np.int32), np.full((len(pages), width), -np.inf, np.float32)
        for query, page in enumerate(chosen):
            rows[query, : len(page)] = [place.row for place in page]
            scores[query, : len(page)] = [place.score for place in page]
        told.update(ranking.why(Hits(rows, scores, ranking.queries, ranking.view.catalog), depth))
    return told


def _best_first(place: Place) -> tuple[float, int]:
    return -place.score, place.row


def hits_of(
    view: View, page: list[Place], offset: int, query: int, fields: Sequence[str] | None, why: Reasons, marker: Marker | None
) -> list[dict[str, Any]]:
    texts, own = view.catalog.fields("text"), view.catalog.id_field
    things = view.things([place.row for place in page], None if fields is None else [*fields, *texts])
    hits = []
    for rank, (place, whole) in enumerate(zip(page, things, strict=True), offset + 1):
        name, thing = whole[own], whole if fields is None else {field: whole[field] for field in (own, *fields)}
        hit = {"id": name, "rank": rank, "score": place.score, "title": title_of(whole, name, texts), "fields": thing}
        more: Mapping[str, Any] = {
            "relevance": place.chance,
            "why": why.get((query, place.row)),
            "spans": marker.spans(query, thing) if marker else None,
        }
        hits.append({**hit, **{key: value for key, value in more.items() if value is not None}})
    return hits


def explain(asked: Any, asking: Asking) -> dict[str, Any]:
    """Why one thing is an answer to one query: its rank and reasons, or null where it is not among the hits looked at."""
    view, _ = asking.view(asked)
    with asking.clock.step("search"):
        ranking = nearest(view, [asked.query], asked.where, asking.baked, asked.stage, None)
        row = view.row(asked.id, view.keep(None, asking.baked))
        if row < 0:
            raise not_there([("/id", asked.id)])
        pool = listing(ranking.rank, POOL - ranking.spare, spare=ranking.spare).pool[0]
    rank = next((place for place, each in enumerate(pool) if each.row == row), None)
    with asking.clock.step("explain"):
        why = {} if rank is None else reasons(ranking, [[pool[rank]]])
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "stage": asked.stage or ALL,
        "id": asked.id,
        "rank": None if rank is None else rank + 1,
        "score": None if rank is None else pool[rank].score,
        "why": why.get((0, row)),
        "warnings": [] if rank is not None else [f"the thing is not among the first {POOL} hits, so nothing speaks for it here"],
    }


def items(asked: Any, asking: Asking) -> dict[str, Any]:
    """Things by id, or those a filter holds for."""
    view, _ = asking.view(asked)
    with asking.clock.step("filter"):
        keep = view.keep(asked.where, asking.baked)
        if asked.ids is not None:
            rows = np.array([view.row(name, keep) for name in dict.fromkeys(asked.ids)], np.int64)
            missing = [name for name, row in zip(dict.fromkeys(asked.ids), rows) if row < 0]
            rows = rows[rows >= 0]
        else:
            missing, rows = [], np.arange(len(view.catalog)) if keep is None else np.flatnonzero(keep)
    page = rows[asked.offset :] if asked.ids is not None and "k" not in asked.model_fields_set else rows[asked.offset :][: asked.k]
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "items": view.things(page, asked.fields),
        "total": {"filter": len(rows)},
        "missing": missing,
        "warnings": [],
    }
