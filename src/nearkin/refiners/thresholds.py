"""One threshold for all queries, chosen on judged lists: for a stated recall, for the best F1, or with a bound on a stated risk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int8

from nearkin.errors import BadInput
from nearkin.metrics.filtering import kept_share, wrong_share
from nearkin.metrics.probability import cut_for_recall

SURE = 0.9  # how sure "at most this much is wrong" is


def for_recall(chances: Float[np.ndarray, "q k"], grades: Int8[np.ndarray, "q k"], recall: float) -> float:
    """The highest threshold that keeps this share of all relevant hits, pooled over queries; no more is promised for new queries."""
    return cut_for_recall((grades > 0).ravel().astype(int), chances.ravel(), recall)[0]


def for_f1(chances: Float[np.ndarray, "q k"], grades: Int8[np.ndarray, "q k"], _goal: float = 0.0) -> float:
    """The threshold with the best F1 over pooled hits; unjudged ones are left out."""
    known = grades >= 0
    order = np.argsort(-chances[known], kind="stable")
    right, value = np.cumsum(grades[known][order] > 0), chances[known][order]
    score = 2 * right / (np.arange(1, len(right) + 1) + right[-1])
    last = np.append(value[1:] != value[:-1], True)  # equal scores are kept together
    return float(value[np.argmax(np.where(last, score, -1))])


def for_kept(chances: Float[np.ndarray, "q k"], grades: Int8[np.ndarray, "q k"], share: float) -> float:
    """The highest threshold at which a new query is expected to keep at least this share of its relevant hits.

    Conformal risk control: with L_i the share that query i loses, the highest t with (sum_i L_i(t) + 1) / (n + 1) <= 1 - share; the
    bound holds on average over draws of n judged queries and a new one alike. Queries without relevant hits are left out.
    Gives 0 (keep all) where n is too small for the promise. Cost: q * k for each of some 200 thresholds.
    Source: Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal risk control", ICLR 2024.
    """
    asked = (grades > 0).any(1)
    relevant, values = grades[asked] > 0, chances[asked]

    def safe(least: float) -> bool:
        lost = 1 - kept_share(relevant, values >= least)
        return bool((lost.sum() + 1) / (len(lost) + 1) <= 1 - share)

    return _last_safe(_grid(chances), safe, rising=True)


def for_wrong(chances: Float[np.ndarray, "q k"], grades: Int8[np.ndarray, "q k"], risk: float) -> float:
    """The lowest threshold at which at most this share of what a query is shown is wrong on average, with 90 % sureness.

    Thresholds are tested from the strictest down, by the bound of Hoeffding and Bentkus on the mean of wrong / shown over queries
    (0 for an empty list), until one fails; a fixed order needs no correction. Unjudged hits are left out of the lists.
    Gives a threshold that nothing passes where not even the strictest can be promised.
    Source: Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then test", 2021; Bates et al., JACM 2021 (the bound).
    """
    known = grades >= 0

    def safe(least: float) -> bool:
        shares = wrong_share(grades > 0, known & (chances >= least))
        return hoeffding_bentkus(float(shares.mean()), len(shares), risk) <= 1 - SURE

    return _last_safe(_grid(chances)[::-1], safe, rising=False)


def hoeffding_bentkus(mean: float, count: int, risk: float) -> float:
    """How likely a mean this low of `count` values in [0, 1] is when the true mean is `risk` or more: an upper bound (p-value)."""
    from scipy.stats import binom

    if mean >= risk:
        return 1.0
    gap = mean * np.log(mean / risk) if mean > 0 else 0.0
    hoeffding = np.exp(-count * (gap + (1 - mean) * np.log((1 - mean) / (1 - risk))))
    return float(min(hoeffding, np.e * binom.cdf(np.ceil(count * mean), count, risk), 1.0))


RULES: dict[str, Callable[..., float]] = {"recall": for_recall, "f1": for_f1, "kept": for_kept, "wrong": for_wrong}
NOTHING = float(np.nextafter(1, 2))  # no chance is as high


def checked_goal(aim: str, goal: float) -> None:
    """Refuse an aim that is not known and a goal outside (0, 1)."""
    if aim not in RULES:
        raise BadInput(f"the aim of a cut is one of {', '.join(RULES)}, got {aim!r}")
    if not 0 < goal < 1:
        raise BadInput(f"the goal of a cut is a share between 0 and 1, got {goal}; for 95 % say 0.95")


def _grid(chances: np.ndarray) -> np.ndarray:
    """Up to 200 thresholds, rising: quantiles of the chances that there are."""
    there = chances[np.isfinite(chances) & (chances > 0)]
    return np.unique(np.quantile(there, np.linspace(0, 1, 201), method="lower")) if len(there) else np.zeros(1)


def _last_safe(steps: np.ndarray, safe: Callable[[float], bool], *, rising: bool) -> float:
    """The last threshold before the first that is not safe; where none is: keep all (rising) or nothing."""
    found = 0.0 if rising else NOTHING
    for step in steps:
        if not safe(float(step)):
            break
        found = float(step)
    return found
