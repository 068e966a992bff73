"""How good a forecast of purchases is, customer by customer: order, sharpness, and whether its chances are true."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nearkin.metrics.probability import log_loss
from nearkin.recipes.contract import Measured
from nearkin.recipes.film_releases import Era

BINS = 15  # of chances, holding equally many pairs: nearly all chances are small, so bins of equal width would be two
BUYERS = 5  # that a film must have to have an order of its own
DRAWS = 2000


def measured(era: Era, chances: Mapping[str, np.ndarray]) -> list[Measured]:
    """AUC over all pairs, AUC within films, log-loss, each with its shares of customers; chances: float [q, n] a system."""
    customers, films = era.pairs
    labels, people = era.labels, len(era.people)
    given = {name: found[customers, films] for name, found in chances.items()}
    whole = {name: order_by_customer(labels, values, customers, people) for name, values in given.items()}
    within = {name: order_within_films(era, found) for name, found in chances.items()}
    losses = {name: np.bincount(customers, log_loss(labels, values), people) for name, values in given.items()}
    tries = np.bincount(customers, minlength=people).astype(float)
    return [
        Measured(
            metric="AUC", values={name: each[0] for name, each in whole.items()}, sizes={name: each[1] for name, each in whole.items()}
        ),
        Measured(metric="log-loss", values=losses, sizes=dict.fromkeys(losses, tries), lower_is_better=True),
        Measured(
            metric="AUC within films",
            values={name: each[0] for name, each in within.items()},
            sizes={name: each[1] for name, each in within.items()},
            decides=False,
        ),
    ]


def order_by_customer(labels: np.ndarray, scores: np.ndarray, customers: np.ndarray, people: int) -> tuple[np.ndarray, np.ndarray]:
    """For each customer, summed over purchases, the share of all zeros scored below, and the purchases; the ratio of sums is AUC."""
    zeros = np.sort(scores[labels == 0])
    bought = labels == 1
    below = np.searchsorted(zeros, scores[bought], "left") + np.searchsorted(zeros, scores[bought], "right")
    return np.bincount(customers[bought], below / (2 * max(len(zeros), 1)), people), np.bincount(customers[bought], minlength=people) * 1.0


def order_within_films(era: Era, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same within each film that has `BUYERS` buyers, each film counting alike: the ratio of sums is the mean AUC of films."""
    values, sizes = np.zeros(len(era.people)), np.zeros(len(era.people))
    for film in np.flatnonzero(era.bought.sum(0) >= BUYERS):
        able = np.flatnonzero(era.open[:, film])
        labels = era.bought[able, film].astype(np.int64)
        if labels.all():
            continue
        share, counts = order_by_customer(labels, scores[able, film], able, len(era.people))
        values += share / counts.sum()
        sizes += counts / counts.sum()
    return values, sizes


def binned(era: Era, chances: np.ndarray) -> np.ndarray:
    """For each customer and bin the sum of chances, of purchases, and of pairs: float [3, q, BINS]; bins hold equally many pairs."""
    customers, films = era.pairs
    given = chances[customers, films]
    edges = np.quantile(given, np.arange(1, BINS) / BINS)
    place = customers * BINS + np.searchsorted(edges, given, "right")
    sums = [np.bincount(place, weights, len(era.people) * BINS) for weights in (given, era.labels, np.ones(len(given)))]
    return np.stack(sums).reshape(3, len(era.people), BINS)


def gap(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error of sums [3, ..., BINS]: sum of |chances - purchases| over all pairs."""
    found: np.ndarray = np.abs(sums[0] - sums[1]).sum(-1) / sums[2].sum(-1)
    return found


def gaps(parts: Mapping[str, np.ndarray], rivals: tuple[str, ...]) -> dict[str, list[float]]:
    """The calibration error of each system; of the named rivals also the interval of ours minus theirs over customers drawn anew."""
    people = next(iter(parts.values())).shape[1]
    weights = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), DRAWS).astype(float)
    drawn = {name: gap(np.einsum("du,kub->kdb", weights, parts[name], optimize=True)) for name in ("ours", *rivals)}
    found = {name: [float(gap(sums.sum(1)))] for name, sums in parts.items()}
    for name in rivals:
        found[name] += [float(each) for each in np.quantile(drawn["ours"] - drawn[name], [0.025, 0.975])]
    return found


def caught(era: Era, chances: np.ndarray, top: float) -> float:
    """The share of a film's buyers among the `top` share of customers, mean over films: divided by `top`, the lift."""
    found = []
    for film in np.flatnonzero(era.bought.sum(0) >= BUYERS):
        able = np.flatnonzero(era.open[:, film])
        first = able[np.argsort(-chances[able, film], kind="stable")[: max(1, round(top * len(able)))]]
        found.append(era.bought[first, film].sum() / era.bought[able, film].sum())
    return float(np.mean(found)) if found else float("nan")
