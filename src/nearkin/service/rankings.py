"""What a request ranks: the things near some queries, or what comes next after some histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from nearkin.collection.branch import Placed
from nearkin.collection.explain import Reasons
from nearkin.collection.recommending import because_of, recommended
from nearkin.collection.texts import TEXT, searchable
from nearkin.errors import ShapeError
from nearkin.refiners.places import repacked
from nearkin.service.pages import Ranked
from nearkin.service.problems import Flaw, Problem, pointer, refused
from nearkin.service.requests import ById, ByVector
from nearkin.service.view import View
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Hits, Vectors


class Ranking(Protocol):
    """Ranks things for `queries`, and can say why; `spare`: how many of a search's hits it may leave out."""

    @property
    def view(self) -> View: ...

    @property
    def queries(self) -> Catalog: ...

    @property
    def keep(self) -> np.ndarray | None: ...

    @property
    def spare(self) -> int: ...

    def rank(self, depth: int) -> Ranked: ...

    def why(self, hits: Hits, depth: int) -> Reasons: ...


@dataclass(frozen=True, eq=False)
class Nearest:
    """The things near each query by one stage or all; own: int [q], the thing that a query is itself, or -1."""

    view: View
    queries: Catalog
    own: np.ndarray
    keep: np.ndarray | None
    stage: str | None
    least: float | None = None

    @property
    def spare(self) -> int:
        return int((self.own >= 0).any())

    def rank(self, depth: int) -> Ranked:
        found = self.view.ranked(self.queries, depth, self.keep, self.stage)
        return _cut(self, found, depth)

    def why(self, hits: Hits, depth: int) -> Reasons:
        return self.view.shop.why(self.queries, hits, k=depth, keep=self.keep, stage=self.stage)


@dataclass(frozen=True, eq=False)
class NearestToVectors:
    """The things near each vector, by one stage of dense vectors."""

    view: View
    queries: Catalog
    vectors: Vectors
    keep: np.ndarray | None
    placed: Placed
    spare: int = 0

    def rank(self, depth: int) -> Ranked:
        try:
            hits = replace(self.placed, encoder=_Given(self.vectors), k=depth)(self.queries, keep=self.keep)
        except ShapeError as error:
            raise refused(f"the vectors have another width than those of this stage: {error}", "width", "/queries") from error
        return Ranked(hits, None, _full(hits, depth))

    def why(self, hits: Hits, _depth: int) -> Reasons:
        return {
            (query, row): {"parts": {"vector": float(score)}}
            for query in range(len(hits))
            for row, score in zip(hits.rows[query].tolist(), hits.scores[query].tolist())
            if row >= 0
        }


class _Given(Encoder):
    """Vectors that the caller made, whatever the queries are called."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    def __call__(self, _queries: Catalog, /) -> Vectors:
        return self.vectors


@dataclass(frozen=True, eq=False)
class Next:
    """What comes next after each history."""

    view: View
    queries: Catalog
    keep: np.ndarray | None
    spare: int = 0

    def rank(self, depth: int) -> Ranked:
        shop, self.view.recommends = self.view.shop, True
        hits = recommended(shop.recommender, self.queries, self.view.catalog, depth, self.keep, explain=False).hits
        return Ranked(hits, None, _full(hits, depth))

    def why(self, hits: Hits, _depth: int) -> Reasons:
        return because_of(self.view.shop.recommender, self.queries, hits)


def nearest(
    view: View, asked: Sequence[str | ById | ByVector], where: str | None, baked: str | None, stage: str | None, least: float | None
) -> Ranking:
    """What a search ranks. Refused: ids that are not there, vectors beside texts, a stage that knows no dense vectors."""
    keep, name = view.keep(where, baked), view.stage(stage)
    if any(isinstance(query, ByVector) for query in asked):
        return _of_vectors(view, asked, keep, name)
    visible = view.keep(None, baked)
    own = np.array([view.row(query.id, visible) if isinstance(query, ById) else -1 for query in asked])
    missing = [place for place, query in enumerate(asked) if isinstance(query, ById) and own[place] < 0]
    if missing:
        raise not_there([(pointer(["queries", place, "id"]), asked[place].id) for place in missing])  # type: ignore[union-attr]
    return Nearest(view, texts_of(view, asked, own), own, keep, name, least)


def texts_of(view: View, asked: Sequence[Any], own: np.ndarray) -> Catalog:
    """Queries as a catalogue with the field `text`: what was typed, or what the thing says."""
    if (own < 0).all():
        return Catalog.of(**{TEXT: list(asked)})
    things = iter(searchable(view.catalog.take(own[own >= 0]))[TEXT])
    return Catalog.of(**{TEXT: [next(things) if row >= 0 else query for query, row in zip(asked, own.tolist())]})


def not_there(found: Sequence[tuple[str, str]]) -> Problem:
    """Ids of a body that name nothing."""
    flaws = [Flaw(f"there is no thing with the id {name[:100]!r}", "unknown-id", place) for place, name in found[:50]]
    return Problem(422, flaws[0].message if len(flaws) == 1 else f"{len(found)} ids name nothing here", flaws=flaws)


def _of_vectors(view: View, asked: Sequence[Any], keep: np.ndarray | None, stage: str | None) -> NearestToVectors:
    if not all(isinstance(query, ByVector) for query in asked):
        raise refused("vectors cannot stand beside texts or ids in one request", "mixed", "/queries")
    dense = [name for name in view.shop.manifest.search if _reads_dense(view, name)]
    if not dense or (stage is not None and stage not in dense):
        raise refused(f"a vector needs a stage of dense vectors; there are {dense}", "stage", "/stage")
    placed = view.shop.stage(stage or dense[0])
    assert isinstance(placed, Placed)
    widths = {len(query.vector) for query in asked}
    if len(widths) > 1:
        raise refused(f"the vectors of one request have one width, got {sorted(widths)}", "width", "/queries")
    rows = np.array([query.vector for query in asked], np.float64)
    if not (np.abs(rows) < 1e18).all():
        raise refused("the numbers of a vector are below 1e18", "vector", "/queries")
    return NearestToVectors(view, Catalog.of(**{TEXT: [""] * len(rows)}), Vectors(rows.astype(np.float32)), keep, placed)


def _reads_dense(view: View, name: str) -> bool:
    placed = view.shop.stage(name)
    return isinstance(placed, Placed) and placed.encoder.gives is Vectors


def _cut(ranking: Nearest, found: Hits, depth: int) -> Ranked:
    """The hits without the queries' own things, and without those too unlikely to be relevant."""
    full = _full(found, depth)
    chances = None if ranking.least is None else ranking.view.shop.chances(found)
    if chances is None and not ranking.spare:
        return Ranked(found, None, full)
    kept = (found.rows >= 0) & (found.rows != ranking.own[:, None])
    if chances is None:
        return Ranked(repacked(found, kept), None, full)
    kept &= chances >= ranking.least
    order = np.argsort(~kept, axis=1, kind="stable")
    return Ranked(repacked(found, kept), np.take_along_axis(chances, order, 1), full)


def _full(hits: Hits, depth: int) -> list[bool]:
    return [bool(count >= depth) for count in (hits.rows >= 0).sum(1)]
