"""Ask each stage once before anybody waits for it: kernels are compiled, files mapped, tables of words made."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from nearkin.collection import Collection
from nearkin.collection.answers import title_of
from nearkin.service import answering
from nearkin.service.answering import Asking
from nearkin.service.clock import Clock
from nearkin.service.requests import RecommendRequest, SearchRequest, SimilarRequest
from nearkin.service.view import View
from nearkin.tables import Catalog

log = logging.getLogger("nearkin.service")
LONG_MS = 3_600_000  # compiling takes minutes on a slow machine
TITLE_LENGTH = 200


def warm(view: View) -> None:
    """Every verb and stage of a view that is not empty; what fails here will tell those who ask for it."""
    asking = Asking(None, Clock(LONG_MS), b"", lambda _: view)
    if not len(view.catalog):
        return
    first = view.things([0])[0]
    name = first[view.catalog.id_field]
    text = title_of(first, name, view.catalog.fields("text"))[:TITLE_LENGTH]
    try:
        for stage in view.stages:
            asked = SearchRequest(queries=[text], stage=stage, facets=view.countable[:1], explain=True, highlight=True)
            answering.search(asked, asking)
        answering.similar(SimilarRequest(ids=[name]), asking)
        if view.shop.manifest.recommend:
            answering.recommend(RecommendRequest(after=[name]), asking)
    except Exception:
        log.warning("a stage could not be warmed", exc_info=True)


def rehearse(place: Path) -> None:
    """The same with a small collection made for it, and a write that is seen by another, so that no first time is left."""
    things = Catalog.of([f"a{n}" for n in range(4)], title=[f"thing number {n}" for n in range(4)])
    with Collection.build(place, things) as shop, Collection.open(place) as other:
        shop.add(things)
        other.refresh()
        warm(View(other.view()))
    shutil.rmtree(place, ignore_errors=True)
