"""Where to cut a list of links when no label says which are right: second choices show what a wrong link looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.matchers.best_first import best_first
from nearkin.matchers.candidates import Candidates, chosen_links, edges
from nearkin.stage import Matcher
from nearkin.tables import Hits, Links


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Links scoring at least `threshold` are kept; the rest is what the decoys say about them."""

    threshold: float
    precision: float  # expected share of right links among those kept
    matches: float  # expected number of true matches among all links
    chances: np.ndarray  # float64 [links]: the chance of each link to be right, in the order of the scores given


@dataclass(frozen=True, kw_only=True)
class DecoyCut(Matcher):
    """One-to-one links, best first, cut where their number no longer exceeds what wrong links explain.

    Hits[q, k] -> Links, weight = estimated chance to be right. Wants k of 3 or more, since the second and third choice of each
    query are what the cut is made from; see `cut`. Cost: three sorts of the candidates.
    """

    def __call__(self, hits: Hits) -> Links:
        pairs, scores = edges(hits)
        first, second, third = choices(pairs, scores)
        found = cut(scores[first], scores[second], scores[third], *sizes(pairs))
        weight = np.zeros(len(pairs))
        weight[first] = found.chances
        return chosen_links(hits, pairs, first & (scores >= found.threshold), weight)


def choices(pairs: Candidates, scores: np.ndarray, count: int = 3) -> list[np.ndarray]:
    """One assignment after another, each over what the earlier ones left: `count` masks, bool [m]."""
    found, there = [], np.ones(len(pairs), bool)
    for _ in range(count):
        found.append(best_first(pairs, np.where(there, scores, -np.inf)) & there)
        there = there & ~found[-1]
    return found


def sizes(pairs: Candidates) -> tuple[int, int]:
    """How many left and right rows have candidates."""
    return len(np.unique(pairs.left_rows)), len(np.unique(pairs.right_rows))


def cut(links: np.ndarray, second: np.ndarray, third: np.ndarray, left_size: float, right_size: float, *, most_local: float = 0.5) -> Cut:
    """The threshold with the best expected F1, from scores of links, of second and of third choices.

    A second choice is a wrong link that had the same chance as any to be the best of many: a decoy, as in the search of peptide
    databases. With o(t) links and d(t) decoys above t, false(t) = p0 * d(t), p0 = links / decoys below the median decoy, and
    expected F1 = 2 (o - false) / (o + matches). Links past the point where more than `most_local` of the next ones are false
    (isotonic fit of the slope) are cut too.

    A row whose partner is absent has a wrong link for its FIRST choice, so that its second choice is one rank too weak. By Rényi's
    spacings the gap between the best and the second best of many is on average twice the gap between second and third; decoys are
    therefore raised by 2 * free * (second - third), quantile by quantile, free = the share of decoys both of whose rows have no
    partner = (1 - matches / left_size) * (1 - matches / right_size), found by iteration. With all partners present nothing is raised.
    Give inf for a side whose rows may be linked many times. Cost: sorts.
    """
    if not len(links) or not len(second):
        return Cut(threshold=-np.inf, precision=1.0, matches=float(len(links)), chances=np.full(len(links), 0.5))
    matches = 0.0
    for _ in range(30):
        free = max(1 - matches / left_size, 0.0) * max(1 - matches / right_size, 0.0)
        decoys = raised(second, third, 2 * free)
        share = wrong_share(links, decoys)
        step = (1 - share) * len(links) - matches
        if abs(step) < 1:
            break
        matches += step / 2
    return _cut_at(links, decoys, share * len(links) / len(decoys), most_local)


def raised(second: np.ndarray, third: np.ndarray, amount: float) -> np.ndarray:
    """Second choices plus `amount` times their lead over the third choices of the same quantile: float64 [second], falling."""
    upper = np.sort(second)[::-1]
    if not len(third):
        return upper
    place = (np.arange(len(upper)) + 0.5) / len(upper)
    lower = np.interp(place, (np.arange(len(third)) + 0.5) / len(third), np.sort(third)[::-1])
    return upper + amount * np.maximum(upper - lower, 0)


def wrong_share(links: np.ndarray, decoys: np.ndarray) -> float:
    """p0: the share of links that are wrong, judged where nearly all are (below the median decoy)."""
    middle = np.median(decoys)
    expected = (decoys < middle).mean()
    return float(min(1.0, (links < middle).mean() / expected)) if expected else 1.0


def _cut_at(links: np.ndarray, decoys: np.ndarray, weight: float, most_local: float) -> Cut:
    order = np.argsort(-links, kind="stable")
    score, count = links[order], np.arange(1, len(links) + 1)
    false = np.searchsorted(np.sort(-decoys), -score, side="right") * weight
    right = np.maximum(count - false, 0)
    matches = max(float(right.max()), 1.0)
    local = falling_fit(1 - np.diff(np.r_[0.0, false]))
    chances = np.empty(len(links))
    chances[order] = np.clip(local, 0.0, 1.0)
    safe = np.flatnonzero(local >= 1 - most_local)
    last = min(int(np.argmax(2 * right / (count + matches))), int(safe[-1]) if len(safe) else -1)
    if last < 0:
        return Cut(threshold=np.inf, precision=1.0, matches=0.0, chances=chances)
    return Cut(threshold=float(score[last]), precision=float(right[last] / count[last]), matches=matches, chances=chances)


def falling_fit(values: np.ndarray) -> np.ndarray:
    """The never-rising sequence nearest to `values` in squares (pool adjacent violators): float64 [n]. Cost: linear."""
    means, counts = [], []
    for value in values.tolist():
        means.append(value)
        counts.append(1)
        while len(means) > 1 and means[-2] < means[-1]:
            mean, count = means.pop(), counts.pop()
            means[-1] = (means[-1] * counts[-1] + mean * count) / (counts[-1] + count)
            counts[-1] += count
    return np.repeat(means, counts) if means else np.zeros(0)
