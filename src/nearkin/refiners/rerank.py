"""Read query and item together and order the hits anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner
from nearkin.tables import Hits


@dataclass(frozen=True, kw_only=True, eq=False)
class Rerank(Refiner):
    """The first `depth` hits scored by a cross-encoder: any CrossEncoder folder or name of sentence-transformers.

    Hits[q, k] -> Hits[q, min(k, depth)]; score = what the model gives for (text of the query, text of the item). Each distinct
    pair of texts is read once. Cost: q * depth readings by the model, by far the dearest step of a pipeline.
    Refused: no package `sentence-transformers` (`Missing`), a model with several outputs, hits that do not know their catalogues.
    """

    model: str
    query_fields: tuple[str, ...] = ()  # all text fields where empty
    item_fields: tuple[str, ...] = ()
    depth: int = 50
    batch: int = 32
    length: int = 256  # tokens of both texts together

    def __call__(self, hits: Hits) -> Hits:
        if hits.queries is None or hits.items is None:
            raise BadInput("Rerank reads texts, but these hits do not know their queries and items; search with catalogues")
        hits = hits.top(self.depth)
        query, place = np.nonzero(hits.rows >= 0)
        items = hits.rows[query, place]
        distinct, where = np.unique(items, return_inverse=True)
        asked = hits.queries.texts(*self.query_fields)
        read = hits.items.take(distinct).texts(*self.item_fields) if len(distinct) else []
        scores = np.full(hits.rows.shape, -np.inf, np.float32)
        scores[query, place] = self._scored([(asked[one], read[other]) for one, other in zip(query, where)])
        return rescored(hits, scores)

    def _scored(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        """A score for each pair: float32 [pairs]."""
        if not pairs:
            return np.empty(0, np.float32)
        order = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
        scores = np.asarray(self._model.predict(list(order), batch_size=self.batch, show_progress_bar=False), np.float32)
        if scores.ndim != 1:
            raise BadInput(f"Rerank needs a model with one output a pair, {self.model} gives {scores.shape[1]}; train it with num_labels=1")
        return scores[[order[pair] for pair in pairs]]

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise Missing("sentence-transformers", "torch") from error
        return CrossEncoder(self.model, max_length=self.length, device="cpu")
