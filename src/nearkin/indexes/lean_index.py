"""Vectors made small and searched by a graph: LeanVec and LVQ on any processor."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things, marked
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.lean_answers import Answering
from nearkin.indexes.lean_graph import Graph, built, extended
from nearkin.indexes.lean_loaded import near, plain
from nearkin.indexes.lean_maps import Maps, learned_maps
from nearkin.indexes.tuning import cheapest, exact_best, sampled_queries, share_found
from nearkin.kernels.threads import cores, in_threads
from nearkin.stage import Index, Projection, fitted, learned, with_k
from nearkin.tables import Catalog, Hits, Vectors, best

WINDOWS = (10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 512)
MOST_FRESH = 8_192  # added items that are scanned, 0.2 ms a query, before they are inserted
ASKED_AT_ONCE = 64  # queries a thread takes


@dataclass(kw_only=True)
class LeanIndex(Index):
    """Approximate search by inner product, in two fifths of the memory of float vectors: walk by short codes, rank by longer ones.

    Vectors[q, d] -> Hits[q, min(k, n)]. An item is `dim` numbers of 4 bits, the best directions of its vector, by which a graph of
    neighbours is built and walked; and 6 more bits for each of them with 8 bits for each of the other directions, by which the best of
    the walk are ranked. Scores are products of the query with the decoded item, within about 0.0005 of the exact ones for unit vectors.
    A user says `recall`: `fit` finds the window and how many to rank on a sample of queries, those given or some drawn from the items.
    Or set `window` and `rerank` yourself. A window for k hits is stretched in proportion when k grows later.
    `projection`: a linear one, say LeanVecOod when queries are unlike items; else the directions in which the items vary most.
    With a filter or removals that leave under a fifth of the items, and where a walk comes back short, the codes of what is left are
    scanned instead, so k hits are found whenever k items are kept. Up to `scan_below` items all is held and scanned exactly.
    Cost: a query about 25 * window products of dim; memory an item for d = 384, dim = 240: 128 bytes to walk, 128 for edges, 336 to
    rank, 9 for names. Building takes blocks of rows, so items may be a memory map; a loaded index maps what it ranks by and holds the
    rest. Added items are scanned exactly until they are 8,192, then inserted into a copy of the codes; `remove` marks. A query asked
    alone takes two nodes at a time and finds a little more than in a batch. The last digit of a score may depend on the batch.
    Refused: another dim, a projection that is not linear.
    Source: LeanVec (Tepper et al. 2023, arXiv 2312.16335), LVQ (Aguerrebere et al. 2023), Vamana (Subramanya et al. 2019). Ours: packed
    rows for 8-bit multiply-and-add, lists for building, walks in turn.
    """

    k: int = 10
    recall: float = 0.95
    dim: int = 240  # 240 dims and their factors fill two cache lines
    links: int = 32
    window: int = 0  # candidates kept while walking; 0: for the recall
    rerank: int = 0  # candidates ranked by both levels; 0: for the recall
    projection: Projection | None = None
    scan_below: int = 4_096
    seed: int = 0
    gone_: np.ndarray | None = learned()  # bool [n]: removed
    removed_: bool | None = learned()  # whether any is
    things_: Catalog | None = learned(optional=True)
    exact_: FlatIndex | None = learned(optional=True)  # while there are few
    maps_: Maps | None = learned(optional=True)
    graph_: Graph | None = learned(optional=True)
    places_: np.ndarray | None = learned(optional=True)  # int32 [n]: the graph's row of each item
    settings_: tuple[int, int, int] | None = learned(optional=True)  # window and rerank, and the k they are for
    fresh_: FlatIndex | None = learned(optional=True)  # items that came after those of the graph

    def __post_init__(self) -> None:
        if not 0 < self.recall <= 1 or self.dim < 1 or self.links < 2 or min(self.window, self.rerank, self.scan_below) < 0:
            raise BadInput(
                f"expected 0 < recall <= 1, dim >= 1, links >= 2, window, rerank and scan_below >= 0; got {self.recall}, {self.dim}, "
                f"{self.links}, {self.window}, {self.rerank}, {self.scan_below}"
            )

    def fit(self, items: Vectors, queries: Vectors | None = None) -> Self:
        """Hold these items; `queries`, if given, are a sample of what will be asked, for tuning."""
        check_table(self, items, Vectors)
        self.gone_, self.removed_, self.things_ = np.zeros(len(items), np.bool_), False, items.things
        self.exact_ = self.graph_ = self.fresh_ = None
        if len(items) <= max(self.scan_below, 1):
            self.exact_ = FlatIndex(k=self.k).fit(items)
            return self
        self.maps_ = learned_maps(items, self.dim, self.projection, self.seed)
        self._hold(built(items.rows, self.maps_, self.links, self.seed))
        self.settings_ = (self.window, self.rerank, self.k)
        return self if self.window and self.rerank else self.tune(items, queries)

    def tune(self, items: Vectors, queries: Vectors | None = None, recall: float | None = None) -> Self:
        """Set window and rerank to the cheapest that reach the recall at k on these queries, by exact search of the items given.

        A setting that is given stays. Cost: an exact search of a few hundred queries and some twenty approximate ones.
        """
        target = self.recall if recall is None else recall
        asked = sampled_queries(items.rows, 400, self.seed) if queries is None else np.asarray(queries.rows[:1000], np.float32)
        wanted, sample = exact_best(items.rows, asked, self.k), Vectors(asked)

        def reached(window: int, rerank: int) -> float:
            self.settings_ = (window, rerank, self.k)
            return share_found(self(sample).rows, wanted)

        windows = [each for each in WINDOWS if each >= self.k] or [2 * self.k]
        window = self.window or cheapest(windows, lambda each: reached(each, self.rerank or each), target)
        reranks = sorted({self.k, *(each for each in WINDOWS if self.k < each <= window)})
        rerank = self.rerank or cheapest(reranks, lambda each: reached(window, each), min(target, reached(window, window)) - 0.0005)
        self.settings_ = (window, rerank, self.k)
        return self

    def add(self, items: Vectors) -> Self:
        other = copy(fitted(self))
        check_table(self, items, Vectors)
        check_dim(self, self.source_dim, items.dim)
        if other.exact_ is not None:
            return other._added_to_few(items)
        other.things_ = joined_things(self, self.things_, items.things)
        other.gone_ = np.concatenate([self.gone_, np.zeros(len(items), np.bool_)])
        other.fresh_ = FlatIndex(k=self.k).fit(items) if self.fresh_ is None else self.fresh_.add(items)
        return other._grown() if len(other.fresh_) > MOST_FRESH else other

    def _grown(self) -> Self:
        """With the fresh items in the graph."""
        barred = self.__dict__.pop("_barred", None)
        self._hold(extended(self.graph_, self.fresh_.items_.rows, self.maps_, len(self.graph_.order)))
        if barred is not None:
            self.__dict__["_barred"] = self.gone_[self.graph_.order]
        self.fresh_ = None
        return self

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.gone_ = marked(self.gone_, rows)
        other.removed_ = bool(other.gone_.any())
        if self.exact_ is not None:
            other.exact_ = self.exact_.remove(rows)
            return other
        rows, size = np.asarray(rows, np.int64), len(self.graph_.order)
        if "_barred" in self.__dict__:
            other.__dict__["_barred"] = self._barred.copy()
            other._barred[self.places_[rows[rows < size]]] = True
        other.fresh_ = None if self.fresh_ is None else self.fresh_.remove(rows[rows >= size] - size)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).gone_)

    @property
    def source_dim(self) -> int:
        """Numbers a vector that comes in."""
        return self.exact_.items_.dim if self.exact_ is not None else len(self.maps_.code)

    @property
    def size_bytes(self) -> int:
        """Memory of what a search reads."""
        held = (self.graph_.packed, self.graph_.second, self.graph_.links, self.graph_.order, self.places_, self.gone_)
        return sum(each.nbytes for each in held)

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        size = len(self)
        keep = checked_keep(keep, size)
        if self.exact_ is not None:
            return with_k(self.exact_, self.k)(queries, keep=keep)
        self._check(queries)
        rows, scores = self._of_graph(queries, keep)
        if self.fresh_ is None:
            return Hits.ordered(rows, scores, queries.things, self.things_)
        first = len(self.graph_.order)
        found = with_k(self.fresh_, self.k)(queries, keep=None if keep is None else keep[first:])
        rows = np.concatenate([rows, np.where(found.rows >= 0, found.rows + np.int32(first), -1)], axis=1)
        scores = np.concatenate([scores, found.scores], axis=1)
        return best(scores, min(self.k, size), rows=rows, queries=queries.things, items=self.things_)

    def _of_graph(self, queries: Vectors, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The k best of each query among the items of the graph: rows int32 and scores float32, both [q, k]."""
        order = self.graph_.order
        shape = (len(queries), min(self.k, len(order)))
        rows, scores = np.empty(shape, np.int32), np.empty(shape, np.float32)
        barred = None if keep is None and not self.removed_ else self._barred if keep is None else self._barred | ~keep[order]
        answering = self._answering
        answer = answering.best if keep is not None or barred is None else partial(answering.best_less, self.gone_)

        def part(some: slice) -> None:
            answer(np.ascontiguousarray(queries.rows[some], np.float32), barred, rows[some], scores[some])

        if shape[0] <= ASKED_AT_ONCE or cores() == 1:
            part(slice(None))
        else:
            in_threads(part, [slice(start, start + ASKED_AT_ONCE) for start in range(0, shape[0], ASKED_AT_ONCE)])
        return rows, scores

    @cached_property
    def _barred(self) -> np.ndarray:
        """Which rows of the graph are of removed items: bool."""
        return self.gone_[self.graph_.order]

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        rows = checked_candidates(rows, len(queries), len(fitted(self)))
        if self.exact_ is not None:
            return self.exact_.score(queries, rows)
        self._check(queries)
        held = (rows >= 0) & (rows < len(self.places_))
        places = np.where(held, self.places_[np.where(held, rows, 0)], -1)
        scores = self._answering.scores_of(np.asarray(queries.rows, np.float32), places)
        if self.fresh_ is None:
            return scores
        later = np.where(rows >= len(self.places_), rows - len(self.places_), -1)
        return np.where(later >= 0, self.fresh_.score(queries, later), scores)

    @property
    def _answering(self) -> Answering:
        return Answering(self.graph_, self.maps_, self.settings_)

    def _check(self, queries: Vectors) -> None:
        check_table(self, queries, Vectors)
        check_dim(self, self.source_dim, queries.dim)

    def _hold(self, graph: Graph) -> None:
        self.__dict__.pop("_barred", None)
        self.graph_, self.places_ = graph, np.empty(len(graph.order), np.int32)
        self.places_[graph.order] = np.arange(len(graph.order), dtype=np.int32)

    def _added_to_few(self, items: Vectors) -> Self:
        """Few items with more: still few, or enough to be learned from."""
        exact = self.exact_.add(items)
        if len(exact) > self.scan_below:
            other = copy(self).fit(exact.items_)
            other.gone_, other.removed_ = exact.gone_, bool(exact.gone_.any())
            return other
        self.exact_, self.gone_, self.things_ = exact, exact.gone_, exact.items_.things
        return self

    def state(self) -> dict[str, Any]:
        graph = None if self.graph_ is None else vars(self.graph_)
        maps = None if self.maps_ is None else self.maps_._asdict()
        return {**super().state(), "graph_": graph, "maps_": maps}

    def restore(self, state: Mapping[str, Any]) -> None:
        found = {name: plain(value) for name, value in state.items()}
        super().restore(found)
        self.graph_ = None if found["graph_"] is None else near(Graph(**found["graph_"]))
        self.maps_ = None if found["maps_"] is None else Maps(**found["maps_"])
