"""Recommend by distance in a space where people stand near what they will want, also for things nobody has had yet."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.indexes.from_history import BlockRecommender, copied, judge, recommend
from nearkin.indexes.graph_fit import checked
from nearkin.indexes.histories import Histories, known_counts
from nearkin.indexes.metric_fit import loss_of, main_axes, part_batches
from nearkin.indexes.sequence_fit import need_torch
from nearkin.stage import Stage, fitted, learned
from nearkin.tables import Catalog, Hits, Links, Vectors


@dataclass(kw_only=True)
class CollaborativeMetric(BlockRecommender):
    """Deep collaborative metric learning: what someone had, and what a thing is, to two places in a ball; near means likely.

    Catalog[q] with a history -> Hits[q, k].   score(c) = sigmoid(b - w |u - v_c|^2 + g . facts), a chance in (0, 1)
    v = ball(MLP(content)), so that a new item has a place at once; u = ball(MLP(means over the history of contents and of free vectors
    kept in the ball, facts)). Facts: log(1 + items had), and those of `fit`'s `about`; a query has the first alone, the others stand at
    their mean, unless `chances` is given them. A history without an item that was learned from speaks for nothing.
    Training: a random part of what a customer bought foretells the rest; cross-entropy over that rest and `negatives` for each of what
    was there to buy by then, corrected for the drawing; the weighted hinge on the same; a covariance term.
    The chances are those of training items; for items released later see `recipes.collaborative_metric`, which calibrates.
    Cost: an MLP an item and a customer, dim multiplications a pair. Refused: negative weights, no links, no torch.
    Source: Campo et al. 2018 (arXiv 1803.00202), Hsieh et al. 2017 for hinge, ball and covariance.
    """

    content: Stage  # Catalog -> Vectors
    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    dim: int = 64
    hidden: int = 128
    axes: int = 100  # of the contents, kept
    dropout: float = 0.3
    hinge: float = 0.01  # weight of the weighted hinge beside the cross-entropy
    decorrelate: float = 0.01  # weight of the covariance term
    margin: float = 0.5
    negatives: int = 10  # a purchase
    frequency: bool = True  # whether facts are read at all; without them, distance alone is the chance
    inner: bool = False  # inner products in place of distances: what the metric is compared with
    epochs: int = 30
    lr: float = 3e-3
    decay: float = 0.01  # of weights
    size: int = 64  # customers a batch
    seed: int = 0
    items_: Catalog | None = learned()
    known_: np.ndarray | None = learned()  # int64: rows of the items learned from, -1 where such an item is gone
    centre_: np.ndarray | None = learned()
    map_: np.ndarray | None = learned()  # float32 [content, axes]
    scale_: np.ndarray | None = learned()  # float32 [2, f]: mean and spread of the facts
    heard_: np.ndarray | None = learned()  # float32 [known, axes]: contents of the known items
    rows_: np.ndarray | None = learned()  # float32 [n, axes]: contents
    weights_: dict[str, np.ndarray] | None = learned()

    def fit(self, interactions: Links, *, about: np.ndarray | None = None, later: np.ndarray | None = None, progress: bool = False) -> Self:
        """Learn. `about`: float [people, a], what is known of each person on the left; `later`: bool [n], the newest items.

        Where `later` is given, most of what is foretold in training is the newest items from all others, as it will be with new ones.
        """
        need_torch()
        import torch

        from nearkin.training.settings import Training
        from nearkin.training.train import train

        checked(interactions)
        self.items_, self.known_ = interactions.right, np.flatnonzero(known_counts(interactions))
        given = np.asarray(self.content(self.items_).rows, np.float32)
        self.centre_, self.map_ = main_axes(given[self.known_], self.axes)
        self.rows_ = (given - self.centre_) @ self.map_
        self.heard_ = self.rows_[self.known_]
        people = np.unique(interactions.left_rows)
        had = np.bincount(interactions.left_rows)[people]
        facts = _facts(had, None if about is None else about[people])
        self.scale_ = np.stack([facts.mean(0), np.maximum(facts.std(0), 1e-3)]).astype(np.float32)

        def scaled(customers: np.ndarray, estimate: np.ndarray) -> np.ndarray:
            return self._scaled(_facts(estimate, facts[customers, 1:]))

        batches = part_batches(interactions, self.known_, people, scaled, self, None if later is None else later[self.known_])
        net = self._net(facts.shape[1])
        settings = Training(epochs=self.epochs, lr=self.lr, warmup=10, weight_decay=self.decay, seed=self.seed)
        loss = loss_of(self, net, torch.from_numpy(self.heard_))
        train(net, batches, loss, settings, after_step=net.project, progress=progress)
        self.weights_ = {name: each.numpy().copy() for name, each in net.state_dict().items()}
        return self

    def _net(self, facts: int) -> Any:
        import torch

        from nearkin.layers.metric_net import MetricNet

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            sizes = {"dim": self.dim, "hidden": self.hidden, "dropout": self.dropout, "inner": self.inner}
            return MetricNet(len(self.heard_), self.map_.shape[1], facts, **sizes)

    def _ready(self) -> Any:
        """The net with the learned weights, made once."""
        import torch

        held = self.__dict__.get("_held")
        if held is None or held[0] is not fitted(self).weights_:
            net = self._net(self.scale_.shape[1]).eval()
            net.load_state_dict({name: torch.from_numpy(np.array(each)) for name, each in self.weights_.items()})
            self.__dict__["_held"] = held = (self.weights_, net)
        return held[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_held"}

    def _scaled(self, facts: np.ndarray) -> np.ndarray:
        """Facts on one scale; what is not known (nan) stands at the mean."""
        scaled = (facts - self.scale_[0]) / self.scale_[1] if self.frequency else np.zeros_like(facts)
        return np.where(np.isfinite(scaled), np.clip(scaled, -4, 4), 0).astype(np.float32)

    def _read(self, offsets: np.ndarray, rows: np.ndarray, more: np.ndarray | None) -> tuple[Any, Any]:
        """Places and scaled facts of customers; rows: all items, of which those learned from are read."""
        import torch

        place = np.full(len(self.items_), -1)
        place[self.known_[self.known_ >= 0]] = np.flatnonzero(self.known_ >= 0)
        owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        kept = place[rows] >= 0
        owners, rows = owners[kept], place[rows][kept]
        if more is None:
            more = np.full((len(offsets) - 1, self.scale_.shape[1] - 1), np.nan)
        facts = torch.from_numpy(self._scaled(_facts(np.bincount(owners, minlength=len(offsets) - 1), more)))
        with torch.no_grad():
            heard = torch.from_numpy(np.array(self.heard_))
            return self._ready().customers(torch.from_numpy(rows), torch.from_numpy(owners), heard, facts), facts

    def chances(self, histories: Histories, about: np.ndarray | None = None) -> np.ndarray:
        """The chance of each person to buy each item: float32 [q, n]; of what they had as well. about: float [q, a], as for `fit`."""
        return self._judged(*self._read(histories.offsets, histories.rows, about))

    def _judged(self, people: Any, facts: Any) -> np.ndarray:
        import torch

        with torch.no_grad():
            items = self._ready().items(torch.from_numpy(np.array(fitted(self).rows_)))
            found: np.ndarray = self._ready().logits(self._ready().distances(people, items), facts).sigmoid().numpy()
        return found

    def block(self, histories: Histories) -> np.ndarray:
        scores = self._judged(*self._read(histories.offsets, histories.rows, None))
        spoken = np.isin(histories.rows, fitted(self).known_)
        scores[np.bincount(histories.owners[spoken], minlength=len(histories)) == 0] = 0
        return scores

    def item_vectors(self) -> Vectors:
        """Where items stand: Vectors[n, dim], lengths up to 1."""
        import torch

        with torch.no_grad():
            return Vectors(self._ready().items(torch.from_numpy(np.array(fitted(self).rows_))).numpy(), self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """Where people stand: Vectors[q, dim]. To find the audience of an item, search these by squared distance."""
        histories = Histories.of(people, fitted(self).items_)
        return Vectors(self._read(histories.offsets, histories.rows, None)[0].numpy(), people)

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        return recommend(self, people, keep)

    def score(self, people: Catalog, rows: np.ndarray) -> np.ndarray:
        return judge(self, people, rows)

    def for_items(self, items: Catalog) -> Self:
        """Contents of new items are read; the ids of old ones say which they are."""
        known = np.where(self.known_ >= 0, items.rows_of(fitted(self).items_.ids, missing="mark")[self.known_], -1).astype(np.int64)
        rows = (np.asarray(self.content(items).rows, np.float32) - self.centre_) @ self.map_
        return copied(copy(self), items_=items, known_=known, rows_=rows)


def _facts(had: np.ndarray, more: np.ndarray | None) -> np.ndarray:
    """log(1 + items had), then what else is known: float [q, f]."""
    frequency = np.log1p(had)[:, None]
    return frequency if more is None else np.concatenate([frequency, more], 1)
