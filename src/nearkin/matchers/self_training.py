"""Learning what a match looks like from the links one is sure of, in a few rounds and without labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nearkin.matchers.best_first import best_first
from nearkin.matchers.candidates import Candidates
from nearkin.matchers.decoy_cut import Cut, cut, sizes
from nearkin.matchers.logistic import Logistic, fit_logistic
from nearkin.matchers.pair_features import PairFeatures

FEW = 10  # accepted links, or decoys, below which nothing can be learned from them
RARE = 0.25  # expected matches / rows of the smaller side from which on coincidences no longer outweigh matches
ALIKE = 0.5  # first score that a link needs where matches are rare

Mask = np.ndarray  # bool [m], one a candidate pair


@dataclass(frozen=True, kw_only=True)
class Learned:
    """The last round: the scorer, what it says of each pair, and which pairs were linked, kept, or taken for decoys."""

    model: Logistic
    scores: np.ndarray  # float64 [m]
    linked: Mask
    kept: Mask
    cut: Cut
    rare: bool  # whether so few rows seem to have a partner that absolute likeness was asked for
    few: bool  # whether there were too few second choices to tell right from wrong by
    usual: np.ndarray  # float64 [f]: the features of a decoy, on average
    taught: bool = False  # whether the model learned from links, so that its scores are log-odds; else they are likenesses


@dataclass(frozen=True, kw_only=True)
class SelfTraining:
    """Rounds of: score, assign, cut by decoys, learn from what was kept.

    PairFeatures and a first linear scorer -> Learned. Positives are the kept links, negatives all pairs not linked and the decoys
    (weight `decoy_trust`, since they are the wrong pairs that won); links below the cut are left OUT: taken as negatives they make each
    round accept less than the one before. Relative features are made anew for the decoys, the links struck out.
    With `many`, a row may have several partners: links and decoys are then chosen a left row at a time, and `kin` names the pairs
    to strike out with a link because their right rows are copies of the linked one.
    Decoys cannot foretell coincidences that no row meets twice (two lists that share no thing, but a few names). Where the cut expects
    partners for fewer than `RARE` of the rows, or there are hardly any decoys, a link must therefore also look alike by itself:
    first score `ALIKE` or more.
    Cost: a logistic regression a round. 1, 4 and 8 rounds differ by less than .005 of F1 on the five sets of the benchmark.
    """

    rounds: int = 3
    decoy_trust: float = 3.0
    penalty: float = 1.0
    many: bool = False

    def __call__(self, features: PairFeatures, start: Logistic, kin: Callable[[Mask], Mask] | None = None) -> Learned:
        values, model = features.table(), start
        for turn in range(self.rounds + 1):
            found, decoy, seen = self._judge(features, values, model, kin)
            if turn == self.rounds or found.kept.sum() < FEW or not decoy.any():
                break
            model = self._learn(values, seen, found, decoy)
        return replace(found, taught=model is not start)

    def _judge(
        self, features: PairFeatures, values: np.ndarray, model: Logistic, kin: Callable[[Mask], Mask] | None
    ) -> tuple[Learned, Mask, np.ndarray]:
        """Links, cut by second and third choices; also the decoys and the features with the links struck out."""
        pairs, scores = features.pairs, model.scores(values)
        linked = self._choose(pairs, scores, np.ones(len(pairs), bool))
        there = self._struck(linked, np.ones(len(pairs), bool), kin)
        seen = features.table(there)
        second_scores = model.scores(seen)
        second = self._choose(pairs, second_scores, there)
        there = self._struck(second, there, kin)
        third_scores = model.scores(features.table(there))
        third = self._choose(pairs, third_scores, there)
        left, right = sizes(pairs)
        alike, few = features.first_scorer().scores(values), int(second.sum()) < FEW
        if few:  # tables of a handful of rows: likeness itself must do for a chance
            found = Cut(threshold=-np.inf, precision=1.0, matches=0.0, chances=np.clip(alike[linked], 0, 1))
        else:
            found = cut(scores[linked], second_scores[second], third_scores[third], left, np.inf if self.many else right)
        usual = seen[second].mean(0) if second.any() else np.zeros(values.shape[1])
        kept, rare = linked & (scores >= found.threshold), found.matches < RARE * min(left, right)
        if rare:
            kept &= alike >= ALIKE
        return Learned(model=model, scores=scores, linked=linked, kept=kept, cut=found, rare=rare, few=few, usual=usual), second, seen

    def _choose(self, pairs: Candidates, scores: np.ndarray, there: Mask) -> Mask:
        copies = pairs.left_count if self.many else 1
        return best_first(pairs, np.where(there, scores, -np.inf), copies) & there

    def _struck(self, chosen: Mask, there: Mask, kin: Callable[[Mask], Mask] | None) -> Mask:
        return there & ~chosen & ~(kin(chosen) if self.many and kin is not None else np.zeros(len(chosen), bool))

    def _learn(self, values: np.ndarray, seen: np.ndarray, found: Learned, decoy: Mask) -> Logistic:
        other = ~found.linked & (found.scores < found.cut.threshold if self.many else True)
        rows = np.vstack([values[found.kept], values[other], seen[decoy]])
        sure = int(found.kept.sum())
        trust = np.r_[np.ones(sure + int(other.sum())), np.full(int(decoy.sum()), self.decoy_trust)]
        return fit_logistic(rows, np.arange(len(rows)) < sure, trust, penalty=self.penalty)
