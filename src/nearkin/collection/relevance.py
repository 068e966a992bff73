"""How sure a collection is of a hit: the plain scores of its branches, weighed, then made a chance by the cosine adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.collection.branch import Placed
from nearkin.collection.texts import as_queries, searchable
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.matchers.logistic import fit_logistic
from nearkin.metrics.filtering import grades
from nearkin.refiners.cosine_adapter import SAMPLE, CosineAdapter
from nearkin.refiners.places import repacked
from nearkin.stage import Encoder, Refiner
from nearkin.tables import Catalog, Hits, Links, Vectors, best


@dataclass(frozen=True, kw_only=True, eq=False)
class Relevance(Refiner):
    """Calibrated on judgements: what a branch's plain score counts (never below 0), and the adapter of their sum.

    The fusion of a collection scales scores within each list, which orders them but cannot tell that nothing fits; so chances are
    made from the branches' own scores. `made_for`: the folders of the branches it was learned with, which alone it may be used with.
    The judgements are kept, so that a compaction, which fits the branches anew, calibrates anew.
    """

    adapter: CosineAdapter
    weights: tuple[float, ...]
    made_for: tuple[str, ...]
    judgements: Links

    @classmethod
    def learned(cls, hits: Hits, judgements: Links, branches: Mapping[str, Placed], made_for: Sequence[str]) -> Self:
        """From hits of the judged queries; refused when too few of them are judged."""
        known, scores = grades(hits, judgements), _scores(hits, branches)
        there = hits.rows >= 0
        if not (known > 0).any():
            raise BadInput("none of the judged things with a grade above 0 is found; calibrate with more judgements of these things")
        model = fit_logistic(scores[:, there].T, (known[there] > 0).astype(float), np.ones(int(there.sum())))
        weights = np.maximum(model.weights / model.scale, 0)
        weights = weights if weights.any() else 1 / model.scale
        encoder = next((each.encoder for each in branches.values() if each.encoder.gives is Vectors), StaticWords())
        adapter = CosineAdapter(encoder=encoder, unjudged="wrong")
        adapter.fit(_weighed(hits, scores, weights), judgements, items=_sample(encoder, hits.items))  # type: ignore[arg-type]
        return cls(adapter=adapter, weights=tuple(weights.tolist()), made_for=tuple(made_for), judgements=judgements)

    def __call__(self, hits: Hits) -> Hits:
        """Hits as they are; chances need the branches, see `chances`."""
        return hits

    def chances(self, hits: Hits, branches: Mapping[str, Placed]) -> np.ndarray:
        """The chance of each hit to be relevant: float32 [q, k], 0 at pads."""
        found = self.adapter.relevance(_weighed(hits, _scores(hits, branches), np.array(self.weights)))
        chances = np.zeros(hits.rows.shape, np.float32)
        np.put_along_axis(chances, np.argsort(hits.rows, 1), np.take_along_axis(found.scores, np.argsort(found.rows, 1), 1), 1)
        return np.where(hits.rows >= 0, chances, 0)


def kept(hits: Hits, chances: np.ndarray, least: float) -> Hits:
    """The hits with at least this chance, in their order."""
    return repacked(hits, (hits.rows >= 0) & (chances >= least))


def checked_least(least: float) -> float:
    if not 0 <= least <= 1:
        raise BadInput(f"min_relevance is the least chance to be relevant, from 0 to 1; got {least}")
    return least


def only_judged(judgements: Links) -> Links:
    """The judgements with their queries as the collection reads them, and of the things but the ids that are judged."""
    rows, place = np.unique(judgements.right_rows, return_inverse=True)
    things = Catalog.of(judgements.right.take(rows).id_list)
    return Links(as_queries(judgements.left), things, judgements.left_rows, place.astype(np.int32), weight=judgements.weight)


def _scores(hits: Hits, branches: Mapping[str, Placed]) -> np.ndarray:
    """What each branch says of each hit: float64 [branches, q, k], 0 at pads and where it says nothing."""
    found = np.stack([branch.score(hits.queries, hits.rows) for branch in branches.values()]).astype(np.float64)
    return np.where(np.isfinite(found), found, 0.0)


def _weighed(hits: Hits, scores: np.ndarray, weights: np.ndarray) -> Hits:
    total = np.where(hits.rows >= 0, np.einsum("bqk,b->qk", scores, weights), -np.inf)
    return best(total, hits.k, rows=hits.rows, queries=hits.queries, items=hits.items)


def _sample(encoder: Encoder, items: Catalog) -> Any:
    order = np.random.default_rng(0).permutation(len(items))[:SAMPLE]
    return encoder(searchable(items.take(np.sort(order))))
