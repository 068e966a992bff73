"""The one thing that each row may be, also where the engine would not link it, and in which band that puts the pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.matching.matches import Matches

SURE, MAYBE, NO = BANDS = ("sure", "maybe", "no")


@dataclass(frozen=True)
class Partners:
    """Candidate pairs, by their places among `Matches.features_.pairs`.

    chances: float64 [m], what the decoys say; NaN everywhere where there were too few of them to say anything. kept: bool [m],
    whether the engine links the pair.
    """

    places: np.ndarray
    chances: np.ndarray
    kept: np.ndarray

    def take(self, which: np.ndarray) -> Partners:
        """These of them, in this order."""
        return Partners(self.places[which], self.chances[which], self.kept[which])

    def bands(self, threshold: float) -> list[str]:
        """The band of each pair."""
        return bands_of(self.chances, self.kept, threshold).tolist()


def partners(found: Matches) -> Partners:
    """The assigned pair of each left row, in the order of the rows, linked or not; several a row where copies are allowed.

    Where few rows have a partner, decoys foretell too many (see `SelfTraining`), so what the engine does not link then has no chance.
    """
    learned, chances = found.learned_, found.chances_.copy()
    if not learned.rare:
        below = learned.linked & ~learned.kept
        chances[below] = learned.cut.chances[below[learned.linked]]
    places = np.flatnonzero(learned.linked | (found.chances_ > 0))
    kept = found.chances_[places] > 0
    order = np.lexsort((-learned.scores[places], -chances[places], found.features_.pairs.left_rows[places]))
    told = np.full(len(places), np.nan) if learned.few else chances[places]
    return Partners(places[order], told[order], kept[order])


def pairs_once(found: Matches, chosen: Partners) -> Partners:
    """Of the two directions of a pair of one table the surer one, all pairs surest first."""
    pairs, scores = found.features_.pairs, found.learned_.scores[chosen.places]
    left, right = pairs.left_rows[chosen.places].astype(np.int64), pairs.right_rows[chosen.places].astype(np.int64)
    surest = np.lexsort((left, -scores, -np.nan_to_num(chosen.chances), ~chosen.kept))
    keys = (np.minimum(left, right) * max(pairs.left_count, 1) + np.maximum(left, right))[surest]
    return chosen.take(surest[np.sort(np.unique(keys, return_index=True)[1])])


def given_pairs(found: Matches, left: np.ndarray, right: np.ndarray) -> Partners:
    """Pairs of rows of one table that `duplicates` was told to compare, in their order; of the two directions the surer one.

    What the engine did not link has the chance that links of its score have; none where matches are rare, as in `partners`.
    """
    pairs, learned = found.features_.pairs, found.learned_
    keys = pairs.left_rows.astype(np.int64) * pairs.right_count + pairs.right_rows
    both = np.sort(
        [np.searchsorted(keys, one.astype(np.int64) * pairs.right_count + other) for one, other in ((left, right), (right, left))], 0
    )
    surest = np.lexsort((-learned.scores[both], -found.chances_[both]), axis=0)[0]
    places = both[surest, np.arange(len(left))]
    kept = found.chances_[places] > 0
    return Partners(places, _given_chances(found, places, kept), kept)


def _given_chances(found: Matches, places: np.ndarray, kept: np.ndarray) -> np.ndarray:
    learned, chances = found.learned_, found.chances_[places]
    if learned.few:
        return np.full(len(places), np.nan)
    if learned.rare or not learned.linked.any():
        return chances
    order = np.argsort(learned.scores[learned.linked], kind="stable")
    alike = np.interp(learned.scores[places], learned.scores[learned.linked][order], learned.cut.chances[order])
    return np.where(kept, chances, alike)


def bands_of(chances: np.ndarray, kept: np.ndarray, threshold: float) -> np.ndarray:
    """`sure` and `no` where the chance to decide rightly is at least the threshold, `maybe` between: str [m].

    Where there is no estimate (NaN), nothing is sure, and what the engine links by likeness alone is `maybe`.
    """
    estimated = np.where(chances >= threshold, SURE, np.where(chances <= 1 - threshold, NO, MAYBE))
    return np.where(np.isnan(chances), np.where(kept, MAYBE, NO), estimated)
