"""How sure the figures of a report are: an interval of each, and a verdict on each pair of systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nearkin.evaluation.report import Report
from nearkin.metrics.intervals import Interval, holm, paired_bootstrap, randomisation_test

LEVEL = 0.05  # of the family of tests of one metric


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How far `system` is above `rival` by one metric: the difference, its 95 % interval, p-value, and that after Holm.

    `better`: which of the two is better, empty where the queries cannot tell.
    """

    metric: str
    system: str
    rival: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    better: str


def interval(report: Report, system: str, metric: str) -> Interval:
    """The 95 % interval of a figure when the queries (users, left things) are drawn again: the paired bootstrap against nothing."""
    scores = report.values[system][metric]
    return paired_bootstrap(scores.values, np.zeros(len(scores.values)), our_sizes=scores.sizes, rival_sizes=scores.sizes)


def verdicts(report: Report) -> list[Verdict]:
    """Each pair of systems by each metric, corrected by Holm over the pairs of the metric; tests as in `evaluate`.

    Cost: 15,000 draws a query, metric and pair.
    """
    return [verdict for metric in report.metrics for verdict in _of(report, metric)]


def _of(report: Report, metric: str) -> Iterator[Verdict]:
    pairs = list(combinations(report.values, 2))
    scores = {system: report.values[system][metric] for system in report.values}
    tests = [{"our_sizes": scores[one].sizes, "rival_sizes": scores[other].sizes} for one, other in pairs]
    chances = [
        randomisation_test(scores[one].values, scores[other].values, **sizes) for (one, other), sizes in zip(pairs, tests, strict=True)
    ]
    for (one, other), sizes, p, corrected in zip(pairs, tests, chances, holm(chances), strict=True):
        low, high = paired_bootstrap(scores[one].values, scores[other].values, **sizes)
        difference = scores[one].mean - scores[other].mean
        better = "" if corrected >= LEVEL else one if difference > 0 else other
        yield Verdict(
            metric=metric, system=one, rival=other, difference=difference, low=low, high=high, p=p, p_holm=corrected, better=better
        )
