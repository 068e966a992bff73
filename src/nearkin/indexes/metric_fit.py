"""How collaborative metric learning learns: contents on their main axes, batches of customers at a moment, and the three losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nearkin.indexes.main_effects import Told
from nearkin.tables import Links
from nearkin.training.batches import cut_evenly, gathered

if TYPE_CHECKING:
    from nearkin.indexes.collaborative_metric import CollaborativeMetric

SHARES = (0.5, 0.9)  # of a customer's purchases that are read as history while the rest is foretold


def main_axes(rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and the first `most` axes scaled so that projected rows have a mean square of 1 a number: [d], [d, most]."""
    centre = rows.mean(0)
    centred = rows - centre
    if len(rows) < rows.shape[1]:  # the smaller of both products
        axes = centred.T @ _strongest(centred @ centred.T, most)
        axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    else:
        axes = _strongest(centred.T @ centred, most)
    size = np.sqrt(((centred @ axes) ** 2).sum() / max(axes.shape[1] * len(rows), 1)) or 1.0
    return centre.astype(np.float32), (axes / size).astype(np.float32)


def _strongest(products: np.ndarray, most: int) -> np.ndarray:
    """The eigenvectors of the greatest eigenvalues, greatest first: [d, most]."""
    values, vectors = np.linalg.eigh(products)
    kept = np.flatnonzero(values > 1e-6 * values[-1])[::-1][:most]
    return vectors[:, kept]


class Batch(NamedTuple):
    """rows, owners: histories; facts; log(purchases / mean purchases) of each customer; then customer and item of what was bought, items
    passed by beside each of these [m, s], customer and item of what was passed by anywhere, and by customer how much likelier such a
    pair was to be drawn than one bought.
    """

    rows: Any
    owners: Any
    facts: Any
    usual: Any
    buyer: Any
    bought: Any
    passed: Any
    idle: Any
    left: Any
    rates: Any


@dataclass(frozen=True)
class PartBatches:
    """Customers with a random part of what they bought as history, and the rest to foretell, each beside some they passed by.

    offsets int64 [q + 1], rows: what each bought, as places among the known items; told, about: what histories tell in numbers, and
    what else is known of each, float [q, a]; until: a customer's last time, listed: when each item was first bought (None where there
    is no time).
    """

    offsets: np.ndarray
    rows: np.ndarray
    told: Told
    about: np.ndarray
    items: int
    until: np.ndarray | None
    listed: np.ndarray | None
    size: int
    negatives: int
    seed: int

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_evenly(len(self.offsets) - 1, self.size, np.random.default_rng([self.seed, epoch]))

    def make(self, customers: np.ndarray, random: np.random.Generator) -> Batch:
        import torch

        lengths = self.offsets[customers + 1] - self.offsets[customers]
        owners, rows = np.repeat(np.arange(len(customers)), lengths), self.rows[gathered(self.offsets[customers], lengths)]
        share = random.uniform(*SHARES, len(customers))
        heard = random.random(len(rows)) < share[owners]
        passed = self._passed(customers, owners, rows)
        buyer, bought, able = owners[~heard], rows[~heard], passed.sum(1)
        buyer, bought = buyer[able[buyer] > 0], bought[able[buyer] > 0]
        drawn = (np.cumsum(able) - able)[buyer][:, None] + (random.random((len(buyer), self.negatives)) * able[buyer][:, None]).astype(int)
        zeros = np.nonzero(passed)
        rate = min(1.0, self.negatives * max(len(buyer), 1) / max(len(zeros[0]), 1))  # the same for all, whatever they bought
        some = random.random(len(zeros[0])) < rate
        rates = (rate / (1 - share)).astype(np.float32)  # of zeros against ones, of which only 1 - share is foretold
        facts = self.told(owners[heard], rows[heard], self.about[customers], share)
        usual = np.log(lengths / np.diff(self.offsets).mean()).astype(np.float32)
        pairs = (buyer, bought, zeros[1][drawn], zeros[0][some], zeros[1][some], rates)
        return Batch(*(torch.from_numpy(each) for each in (rows[heard], owners[heard], facts, usual, *pairs)))

    def _passed(self, customers: np.ndarray, owners: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Known items that each customer could have bought by their last time, and did not: bool [b, items]."""
        passed = np.ones((len(customers), self.items), bool)
        if self.listed is not None and self.until is not None:
            passed &= self.listed <= self.until[customers][:, None]
        passed[owners, rows] = False
        return passed


@dataclass(frozen=True)
class Log:
    """The purchases of `people` (rising rows) among the known items (rising rows), once each: owners, rows count from 0 among these."""

    people: np.ndarray
    known: np.ndarray
    owners: np.ndarray
    rows: np.ndarray
    until: np.ndarray | None
    listed: np.ndarray | None

    @classmethod
    def of(cls, links: Links) -> Log:
        people, known = np.unique(links.left_rows), np.unique(links.right_rows)
        keys = np.unique(np.searchsorted(people, links.left_rows).astype(np.int64) * len(known) + np.searchsorted(known, links.right_rows))
        until = listed = None
        if links.time is not None:
            until, listed = np.full(len(links.left), np.iinfo(np.int64).min), np.full(len(links.right), np.iinfo(np.int64).max)
            np.maximum.at(until, links.left_rows, links.time)
            np.minimum.at(listed, links.right_rows, links.time)
            until, listed = until[people], listed[known]
        return cls(people, known, keys // len(known), keys % len(known), until, listed)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.people), len(self.known)

    def batches(self, told: Told, about: np.ndarray, model: CollaborativeMetric) -> PartBatches:
        offsets = np.searchsorted(self.owners, np.arange(len(self.people) + 1))
        more = (len(self.known), self.until, self.listed, model.size, model.negatives, model.seed)
        return PartBatches(offsets, self.rows, told, about, *more)


def loss_of(model: CollaborativeMetric, net: Any, heard: Any, contents: Any) -> Any:
    """The closure for `train`: purchases, hinge and covariance with the model's weights."""
    import torch

    from nearkin.losses.metric_learning import covariance, sampled_purchases, weighted_hinge

    def loss(batch: Batch) -> Any:
        items = net.items(contents)
        people = net.customers(batch.rows.long(), batch.owners, net.items(heard), batch.facts)
        distances = net.distances(people, items)
        if not len(batch.bought):  # those drawn had every film
            return 0 * distances.sum()
        logits = net.own + net.nearness(distances) + batch.usual[:, None]
        right, wrong = (batch.buyer, batch.bought.long()), (batch.buyer[:, None], batch.passed)
        rates = (batch.rates[batch.buyer], batch.rates[batch.idle])
        total = sampled_purchases(logits[right], logits[batch.idle, batch.left], *rates) / (1 + model.negatives)
        if model.hinge:
            total = total + model.hinge * weighted_hinge(distances[right], distances[wrong], items=len(items), margin=model.margin)
        return total + model.decorrelate * covariance(torch.cat([people, items])) if model.decorrelate else total

    return loss
