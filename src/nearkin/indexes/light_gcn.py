"""Recommend by vectors of people and items that took in their neighbours' along the graph of who had what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.graph_fit import Fitted, learn
from nearkin.indexes.histories import Histories, in_rows_of
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links, Vectors

HIGHEST = 80.0  # exponents beyond it leave float32


@dataclass(kw_only=True)
class LightGcn(BlockRecommender):
    """Light graph convolution: free vectors of people and items, averaged with what they become in 1 to `layers` steps along the graph.

    Catalog[q] with a history -> Hits[q, k].   score(c) = exp(x . y_c), 0 for an item without links and for x = 0
    A person's vector is x = (x^0 + sum over the history h of sum_(l < layers) y_h^l / sqrt(|history| degree_h)) / (layers + 1): for a
    history that was learned from, the very vector of the graph. x^0 is what `fit` learned for a person with this id; who was not there is
    folded in by the history alone. Order does not count, nor does having something twice.
    Training: Bayesian personalised ranking with items drawn evenly that the person did not have, AdamW, full steps along the graph for
    each batch; a penalty on the free vectors of the batch. `beside`: further terms of the loss (see `layers.beside`), such as alignment
    with texts; they leave no trace in the model but its vectors.
    Cost: 4 * layers * links * dim multiplications a batch; dim a score. Refused: negative weights, no links, `layers` below 1, no torch.
    Source: He et al., SIGIR 2020. Ours: folding in, the start (a few epochs do for what takes hundreds), linear decay.
    """

    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    dim: int = 64
    layers: int = 2
    epochs: int = 30
    lr: float = 5e-3
    pairs: int = 4096  # a batch
    negatives: int = 1  # a pair
    penalty: float = 1e-4
    near: bool = True  # free vectors begin near the graph's singular vectors; else at random
    kept: float = 1.0  # chance of each link to be walked along in a batch
    patience: int = 0  # epochs without a better validation before training stops; 0: all epochs
    seed: int = 0
    items_: Catalog | None = learned()
    people_: Catalog | None = learned()  # ids of those with links
    own_: np.ndarray | None = learned()  # float32 [people, dim]: their share of x^0
    heard_: np.ndarray | None = learned()  # float32 [n, dim]: what an item adds to who had it, before / sqrt(|history|)
    table_: np.ndarray | None = learned()  # float32 [n, dim]: y, zero without links

    def fit(
        self,
        interactions: Links,
        *,
        valid: Links | None = None,
        beside: Sequence[Any] = (),
        start: np.ndarray | None = None,
        folder: Path | None = None,
        progress: bool = False,
    ) -> Self:
        """Learn. `valid`: links to foretell after each epoch, the best weights are kept; `folder`: a checkpoint to go on from, and logs.

        `start`: where free vectors begin, float [people + n, dim], in place of the settings' way.
        """
        if self.layers < 1:
            raise BadInput(f"layers is 1 or more, or nobody new could be answered; got {self.layers}")
        learn(self, interactions, self.keep, valid=valid, beside=beside, start=start, folder=folder, progress=progress)
        return self

    def keep(self, interactions: Links, found: Fitted) -> None:
        """Take over what was learned so far."""
        people = np.unique(interactions.left_rows)
        self.items_ = interactions.right
        self.people_ = Catalog(pa.table({"id": interactions.left.ids.take(pa.array(people))}), {"id": "id"})
        self.own_, self.heard_, self.table_ = found.own[people], found.heard, found.table

    def item_vectors(self) -> Vectors:
        """The items to search among by inner product: Vectors[n, dim], all zero for one without links."""
        return Vectors(fitted(self).table_, self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """Who asks, as vectors: Catalog[q] with a history -> Vectors[q, dim]."""
        return Vectors(self._read(Histories.of(people, fitted(self).items_)), people)

    def block(self, histories: Histories) -> np.ndarray:
        states = self._read(histories)
        scores: np.ndarray = np.exp(np.clip(states @ fitted(self).table_.T, -HIGHEST, HIGHEST))
        scores[:, ~self.table_.any(1)] = 0
        scores[~states.any(1)] = 0
        return scores

    def _read(self, histories: Histories) -> np.ndarray:
        """Vectors of histories: float32 [q, dim]."""
        from scipy.sparse import csr_array

        shape = (len(histories), len(fitted(self).heard_))
        held = (np.ones(len(histories.rows), np.float32), histories.rows, histories.offsets)
        had = csr_array(held, shape=shape, copy=True)  # or adding up repeats would change the histories
        had.sum_duplicates()
        had.data[:] = 1
        counts = np.maximum(np.diff(had.indptr), 1).astype(np.float32)
        states: np.ndarray = (had @ self.heard_) / np.sqrt(counts)[:, None]
        if histories.ids is not None:
            rows = self.people_.rows_of(histories.ids, missing="mark")
            states[rows >= 0] += self.own_[rows[rows >= 0]]
        return states

    def for_items(self, items: Catalog) -> Self:
        heard, table = (in_rows_of(items, fitted(self).items_, each) for each in (self.heard_, self.table_))
        return copied(self, items_=items, heard_=heard, table_=table)
