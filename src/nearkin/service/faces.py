"""The faces of a thing beside its neighbours' list: where it stands among them, its code, and the queries that return it."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from nearkin.collection.answers import title_of
from nearkin.collection.texts import TEXT
from nearkin.service.answering import Asking
from nearkin.service.codebook import coded
from nearkin.service.judgements import Judgement, known
from nearkin.service.limits import POOL
from nearkin.service.pages import listing
from nearkin.service.problems import Problem
from nearkin.service.rankings import nearest, not_there
from nearkin.service.requests import ById
from nearkin.service.view import View
from nearkin.tables import Catalog

LISTED = 20  # things named a list
NEIGHBOURS = 12
TRIED = 200  # queries asked again, those judged last
AROUND = 600  # other things shown on the small map
SPAN = 1000  # of its coordinates


def code(asked: Any, asking: Asking) -> dict[str, Any]:
    """The symbols of a thing, how many things share each prefix, its siblings, and who shares all symbols but one."""
    view, row, visible = _found(asked, asking)
    with asking.clock.step("code"):
        codes = coded(view)
    own = codes.symbols[row]
    same = (codes.symbols == own) & (np.ones((len(codes.symbols), 1), bool) if visible is None else visible[:, None])
    same[row] = False
    prefixes = np.logical_and.accumulate(same, axis=1)
    counts = prefixes.sum(0).tolist()
    longest = max((level for level, count in enumerate(counts, 1) if count), default=0)
    near = np.flatnonzero(same.sum(1) >= len(own) - 1)
    siblings = np.flatnonzero(prefixes[:, longest - 1]) if longest else near[:0]
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "id": asked.id,
        "source": codes.source,
        "levels": [
            {"symbol": int(symbol), "of": size, "others": count}
            for symbol, size, count in zip(own.tolist(), codes.sizes, counts, strict=True)
        ],
        "siblings": {"shared": longest, "total": len(siblings), "things": _named(view, siblings)},
        "near": {"shared": len(own) - 1, "total": len(near), "things": _named(view, near)},
    }


def found_by(asked: Any, asking: Asking, judged: list[Judgement], seen: list[str]) -> dict[str, Any]:
    """The judged queries that return a thing, best rank first; where none does, those seen last; then its neighbours' titles."""
    view, row, visible = _found(asked, asking)
    said = known(view.catalog, visible, judged)
    grades = {each.query: each.grade for each in said if each.item == asked.id}
    texts = list(dict.fromkeys(each.query for each in reversed(said)))[:TRIED]
    with asking.clock.step("queries"):
        rows, source = _ranks(view, row, visible, texts, asked.stage), "judged"
        if not rows and seen:
            texts, source = seen, "seen"
            rows = _ranks(view, row, visible, texts, asked.stage)
    if not rows:
        with asking.clock.step("neighbours"):
            texts = [each["title"] for each in _named(view, np.array(_neighbours(view, asked, asking), np.int64))]
            rows, source = _ranks(view, row, visible, list(dict.fromkeys(texts)), asked.stage), "neighbours"
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "id": asked.id,
        "source": source,
        "tried": len(texts),
        "queries": [{"query": text, "rank": rank, "grade": grades.get(text)} for text, rank in rows],
    }


def around(asked: Any, asking: Asking) -> dict[str, Any]:
    """Where a thing and its neighbours stand on the map, and what else stands there. Refused (404): the map was never drawn."""
    view, row, visible = _found(asked, asking)
    layout = view.shop.layout
    if layout is None:
        raise Problem(404, "the map of this collection was never drawn; draw it with: nearkin layout PLACE")
    with asking.clock.step("neighbours"):
        near = _neighbours(view, asked, asking)
    window = _Window.around(layout.places[[row, *near]])
    inside = window.holds(layout.places) & (True if visible is None else visible)
    inside[[row, *near]] = False
    others = np.flatnonzero(inside)
    others = others[np.linspace(0, len(others) - 1, min(AROUND, len(others))).astype(int)]
    spots = window.scaled(layout.places[near])
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "id": asked.id,
        "at": window.scaled(layout.places[[row]])[0],
        "near": [{**thing, "at": at} for thing, at in zip(_named(view, np.array(near, np.int64)), spots, strict=True)],
        "others": window.scaled(layout.places[others]),
        "all": int(inside.sum()),
    }


class _Window(NamedTuple):
    """A square of the map."""

    middle: np.ndarray
    half: float

    @classmethod
    def around(cls, places: np.ndarray) -> Self:
        """The square that holds these places, and a fifth more."""
        low, high = places.min(0), places.max(0)
        return cls((low + high) / 2, max(float((high - low).max()) * 0.6, 1e-6))

    def holds(self, places: np.ndarray) -> np.ndarray:
        """Which of these places lie in it: bool [n]."""
        inside: np.ndarray = (np.abs(places - self.middle) <= self.half).all(1)
        return inside

    def scaled(self, places: np.ndarray) -> list[list[int]]:
        """Places as whole numbers from 0 to SPAN."""
        spots: list[list[int]] = ((places - self.middle + self.half) / (2 * self.half) * SPAN).round().astype(int).tolist()
        return spots


def _found(asked: Any, asking: Asking) -> tuple[View, int, np.ndarray | None]:
    """The view, the row of the thing, and the rows that may be seen. Refused: a thing that is not there."""
    view, _ = asking.view(asked)
    visible = view.keep(None, asking.baked)
    row = view.row(asked.id, visible)
    if row < 0:
        raise not_there([("/id", asked.id)])
    return view, row, visible


def _neighbours(view: View, asked: Any, asking: Asking) -> list[int]:
    ranking = nearest(view, [ById(id=asked.id)], None, asking.baked, asked.stage, None)
    return [place.row for place in listing(ranking.rank, NEIGHBOURS, spare=ranking.spare).places[0][:NEIGHBOURS]]


def _ranks(view: View, row: int, visible: np.ndarray | None, texts: list[str], stage: str | None) -> list[tuple[str, int]]:
    """Those texts whose hits hold the thing, with its rank, best first."""
    if not texts:
        return []
    hits = view.shop.ranked(Catalog.of(**{TEXT: texts}), k=POOL, keep=visible, stage=view.stage(stage))
    places = hits.rows == row
    found = [(text, int(rank) + 1) for text, there, rank in zip(texts, places.any(1), places.argmax(1), strict=True) if there]
    return sorted(found, key=lambda each: each[1])


def _named(view: View, rows: np.ndarray) -> list[dict[str, str]]:
    found, texts = view.catalog.take(rows[:LISTED]), view.catalog.fields("text")
    return [{"id": name, "title": title_of(thing, name, texts)} for name, thing in zip(found.id_list, found)]
