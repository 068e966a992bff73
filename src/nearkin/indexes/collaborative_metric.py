"""Recommend by distance in a space where people stand near what they will want, also for things nobody has had yet."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.graph_fit import checked
from nearkin.indexes.histories import Histories
from nearkin.indexes.main_effects import Told, amounts, chance, directions, guess, log_odds, logistic, scaled_logistic
from nearkin.indexes.metric_fit import Log, loss_of, main_axes
from nearkin.indexes.sequence_fit import need_torch
from nearkin.stage import Stage, fitted, learned
from nearkin.tables import Catalog, Links, Vectors, unit

LATER = 0.3  # of the items, which stand for the newest where it is not said which those are
RIDGE = 1.0  # of the regression of company on contents


@dataclass(kw_only=True)
class CollaborativeMetric(BlockRecommender):
    """Deep collaborative metric learning: what someone had, and what a thing is, to two places in a ball; near means likely.

    Catalog[q] with a history -> Hits[q, k].   score(c) = sigmoid(a_c + w (r - |u - v_c|^2) + g . had + b), a chance in (0, 1)
    x = [content on the main axes of the items learned from, length 1; company], where the company of an item learned from is its row
    of the main directions of who had what, centred, length 1, and that of any item to foretell is guessed from its content by ridge
    regression; v = ball(x + MLP(x)), so that a new item has a place at once; u = ball(gain (mean of v over the history - centre) +
    MLP(facts));  a_c: the log odds of a known item, learned beside the distances, of a new one guessed from its content. Facts:
    log(1 + items had), those of `fit`'s `about`, and the history along the main directions; a query has no `about`, which stands at its
    mean, unless `parts` is given it. A history without an item that was learned from speaks for nothing.
    Training: first a random part of what a customer bought foretells the rest, by cross-entropy over that rest and `negatives` for each
    of what was there to buy by then, corrected for the drawing, the weighted hinge on the same, and a covariance term; distances are
    those of x at first. Then regressions: of how many customers had an item on x, and of how many of the newest items a
    customer had on had: log(1 + items) of the year before those and of earlier ones (how lately and how often, told by release).
    The chances are those of training items; for items released later see `recipes.collaborative_metric`, which calibrates.
    Cost: an MLP an item and a customer, axes + rank multiplications a pair. Refused: negative weights, no links, contents
    that are all alike, no torch.
    Source: Campo et al. 2018 (arXiv 1803.00202), Hsieh et al. 2017 for hinge, ball and covariance; the start from contents and the
    items' own log odds are ours.
    """

    content: Stage  # Catalog -> Vectors
    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    axes: int = 60  # of the contents, kept
    hidden: int = 64
    rank: int = 24  # directions of who had what
    dropout: float = 0.3
    hinge: float = 0.01  # weight of the weighted hinge beside the cross-entropy
    decorrelate: float = 0.01  # weight of the covariance term
    margin: float = 0.5
    negatives: int = 10  # a purchase
    frequency: bool = True  # whether facts are read at all; without them, distance and item alone are the chance
    inner: bool = False  # inner products in place of distances: what the metric is compared with
    epochs: int = 8
    lr: float = 3e-4
    penalties: tuple[float, float] = (300.0, 1.0)  # of the regressions of log odds on contents and on how much was had
    size: int = 64  # customers a batch
    seed: int = 0
    items_: Catalog | None = learned()
    known_: np.ndarray | None = learned()  # int64: rows of the items learned from, -1 where such an item is gone
    centre_: np.ndarray | None = learned()
    map_: np.ndarray | None = learned()  # float32 [content, axes]
    guess_: np.ndarray | None = learned()  # float32 [axes, rank]: from contents to company
    directions_: np.ndarray | None = learned()  # float32 [known, rank]
    scale_: np.ndarray | None = learned()  # float32 [2, f]: mean and spread of the facts
    heard_: np.ndarray | None = learned()  # float32 [known, axes + rank]: contents and company of the known items
    rows_: np.ndarray | None = learned()  # float32 [n, axes + rank]: contents and guessed company
    taken_: np.ndarray | None = learned()  # float [axes + rank + 1]: from these to log odds
    taking_: np.ndarray | None = learned()  # float [3]: from how much was had to log odds
    recent_: np.ndarray | None = learned()  # bool [known]: items of the last year
    weights_: dict[str, np.ndarray] | None = learned()

    def fit(
        self, interactions: Links, *, about: np.ndarray | None = None, released: np.ndarray | None = None, progress: bool = False
    ) -> Self:
        """Learn. `about`: float [people, a], what is known of each person on the left; `released`: float [n], years.

        How much a person takes is learned from the items of the last year, foretold from all others, as it will be with those of the
        next; where years are not given, a random `LATER` of the items stands for them.
        """
        need_torch()
        import torch

        from nearkin.training.settings import Training
        from nearkin.training.train import train

        checked(interactions)
        log = Log.of(interactions)
        about = np.zeros((len(log.people), 0), np.float32) if about is None else about[log.people]
        told = self._read(interactions.right, log, about)
        seen = self.rows_[log.known]
        net, heard = self._net(log_odds(np.bincount(log.rows), len(log.people))), torch.from_numpy(self.heard_)
        net.start(torch.from_numpy(log.rows), torch.from_numpy(log.owners), heard)
        settings = Training(epochs=self.epochs, lr=self.lr, warmup=10, half=False, seed=self.seed)
        train(net, log.batches(told, about, self), loss_of(self, net, heard, torch.from_numpy(seen)), settings, progress=progress)
        self.weights_ = {name: each.numpy().copy() for name, each in net.state_dict().items()}
        self.taken_ = logistic(seen, np.bincount(log.rows), np.full(len(log.known), float(len(log.people))), self.penalties[0])
        years = np.zeros(len(log.known)) if released is None else released[log.known]
        self.taking_, self.recent_ = np.zeros(3), (years == years.max()) & (released is not None)
        self.taking_ = self._amounts(log, told, about, None if released is None else years)
        return self

    def _read(self, items: Catalog, log: Log, about: np.ndarray) -> Told:
        """Contents on their axes, company, and the guess of one from the other; what histories tell."""
        self.items_, self.known_ = items, log.known
        given = np.asarray(self.content(items).rows, np.float32)
        self.centre_, self.map_ = main_axes(given[log.known], self.axes)
        if not self.map_.shape[1]:
            raise BadInput(f"the contents of the {len(log.known)} items learned from are all alike; distances need some that differ")
        told = Told.learned(directions(log.owners, log.rows, log.shape, self.rank, self.seed), log.owners, log.rows, about, self.frequency)
        self.directions_, self.scale_ = told.axes, told.scale
        alone, company = self._contents(given)[log.known], unit(told.axes - told.axes.mean(0))
        self.guess_, self.heard_ = guess(alone, company, RIDGE), np.concatenate([alone, company], 1)
        self.rows_ = self._described(given)
        return told

    def _amounts(self, log: Log, told: Told, about: np.ndarray, years: np.ndarray | None) -> np.ndarray:
        """How many of the newest items each customer had, beyond what distances say, by regression on how much they had of the others."""
        newest = np.random.default_rng(self.seed).random(len(log.known)) < LATER if years is None else years == years.max()
        if newest.all() or not newest.any():  # nothing to foretell, or nothing to foretell it from
            return np.zeros(len(self.taking_))
        share, recent = (1 - LATER, np.zeros(len(newest), bool)) if years is None else (1.0, years == years.max() - 1)
        older = ~newest[log.rows]
        owners, rows = log.owners[older], log.rows[older]
        given = self.weights_["own"][newest] + self._nearness(owners, rows, told(owners, rows, about, share), self.rows_[log.known[newest]])
        had, tries = np.bincount(log.owners[~older], minlength=len(about)), np.full(len(about), float(newest.sum()))
        penalty = self.penalties[1] if self.frequency else 1e12  # the intercept alone
        return scaled_logistic(amounts(owners, rows, len(about), recent, share), had, tries, penalty, given=given)

    def _contents(self, given: np.ndarray) -> np.ndarray:
        return unit((given - self.centre_) @ self.map_)

    def _described(self, given: np.ndarray) -> np.ndarray:
        alone = self._contents(given)
        return np.concatenate([alone, alone @ self.guess_], 1).astype(np.float32)

    def _net(self, own: np.ndarray) -> Any:
        import torch

        from nearkin.layers.metric_net import MetricNet

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            start = torch.from_numpy(np.array(own, np.float32))
            return MetricNet(start, self.rows_.shape[1], self.scale_.shape[1], hidden=self.hidden, dropout=self.dropout, inner=self.inner)

    def _ready(self) -> Any:
        """The net with the learned weights, made once."""
        import torch

        held = self.__dict__.get("_held")
        if held is None or held[0] is not fitted(self).weights_:
            net = self._net(self.weights_["own"]).eval()
            net.load_state_dict({name: torch.from_numpy(np.array(each)) for name, each in self.weights_.items()})
            self.__dict__["_held"] = held = (self.weights_, net)
        return held[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_held"}

    def _heard(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        """Person and place among the known items of what was had and learned from."""
        place = np.full(len(fitted(self).items_), -1)
        place[self.known_[self.known_ >= 0]] = np.flatnonzero(self.known_ >= 0)
        kept = place[histories.rows] >= 0
        return histories.owners[kept], place[histories.rows[kept]]

    def _facts(self, owners: np.ndarray, rows: np.ndarray, people: int, about: np.ndarray | None) -> np.ndarray:
        if about is None:
            about = np.full((people, self.scale_.shape[1] - 1 - self.directions_.shape[1]), np.nan)
        return Told(self.directions_, self.scale_, self.frequency)(owners, rows, about)

    def _places(self, owners: np.ndarray, rows: np.ndarray, facts: np.ndarray) -> Any:
        import torch

        net = self._ready()
        with torch.no_grad():
            items = net.items(torch.from_numpy(np.array(self.heard_)))
            return net.customers(torch.from_numpy(rows), torch.from_numpy(owners), items, torch.from_numpy(facts))

    def _nearness(self, owners: np.ndarray, rows: np.ndarray, facts: np.ndarray, contents: np.ndarray) -> np.ndarray:
        """w (r - |u - v|^2) of people and items with these contents: float32 [q, n]."""
        import torch

        net, people = self._ready(), self._places(owners, rows, facts)
        with torch.no_grad():
            found: np.ndarray = net.nearness(net.distances(people, net.items(torch.from_numpy(np.array(contents))))).numpy()
        return found

    def parts(self, histories: Histories, about: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the log odds of a purchase are the sum of: how much each person takes [q, 1], each item is taken [1, n], nearness [q, n].

        about: float [q, a], as for `fit`.
        """
        owners, rows = self._heard(histories)
        facts = self._facts(owners, rows, len(histories), about)
        taken = self.rows_ @ self.taken_[:-1] + self.taken_[-1]
        there = self.known_ >= 0
        taken[self.known_[there]] = self.weights_["own"][there]
        taking = amounts(owners, rows, len(histories), self.recent_) @ self.taking_[:-1] + self.taking_[-1]
        return taking[:, None], taken[None], self._nearness(owners, rows, facts, self.rows_)

    def chances(self, histories: Histories, about: np.ndarray | None = None) -> np.ndarray:
        """The chance of each person to buy each item: float32 [q, n]; of what they had as well."""
        taking, taken, nearness = self.parts(histories, about)
        return chance(taking + taken + nearness).astype(np.float32)

    def block(self, histories: Histories) -> np.ndarray:
        scores = self.chances(histories)
        scores[np.bincount(self._heard(histories)[0], minlength=len(histories)) == 0] = 0
        return scores

    def item_vectors(self) -> Vectors:
        """Where items stand: Vectors[n, axes + rank], lengths up to 1."""
        import torch

        with torch.no_grad():
            return Vectors(self._ready().items(torch.from_numpy(np.array(fitted(self).rows_))).numpy(), self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """Where people stand: Vectors[q, axes + rank]. To find the audience of an item, search these by squared distance."""
        owners, rows = self._heard(Histories.of(people, fitted(self).items_))
        return Vectors(self._places(owners, rows, self._facts(owners, rows, len(people), None)).numpy(), people)

    def for_items(self, items: Catalog) -> Self:
        """Contents of new items are read; the ids of old ones say which they are."""
        known = np.where(self.known_ >= 0, items.rows_of(fitted(self).items_.ids, missing="mark")[self.known_], -1).astype(np.int64)
        rows = self._described(np.asarray(self.content(items).rows, np.float32))
        return copied(copy(self), items_=items, known_=known, rows_=rows)
