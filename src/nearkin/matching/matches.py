"""What a match of two tables found, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nearkin.errors import BadInput
from nearkin.matchers.pair_features import PairFeatures
from nearkin.matchers.self_training import Learned
from nearkin.matching.describe import Described
from nearkin.matching.waterfall import Waterfall, waterfall
from nearkin.tables import Links


class Reason(NamedTuple):
    """One feature of a pair: its value, that of a usual wrong candidate, and what the difference adds to the score."""

    feature: str
    value: float
    usual: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Matches:
    """links: pairs of rows that are the same thing, surest first; weight = chance to be right, kind = the columns both have filled.

    precision: expected share of right links, 1 where there are none; expected_matches: how many true matches there seem to be, linked or
    not; columns: which columns were compared, (left, right); warning: what makes the estimates doubtful, or "".
    """

    links: Links
    precision: float
    expected_matches: float
    warning: str
    columns: list[tuple[str, str]]
    described_: Described = field(repr=False)
    features_: PairFeatures = field(repr=False)
    learned_: Learned = field(repr=False)
    chances_: np.ndarray = field(repr=False)  # float64 [candidates], 0 where not linked

    def __len__(self) -> int:
        return len(self.links)

    @property
    def expected_wrong(self) -> float:
        """How many of the links are wrong, as far as the decoys can tell."""
        return float((1 - self.links.weight).sum())

    def explain(self, left_id: str, right_id: str, most: int = 5) -> list[Reason]:
        """What speaks most for the pair, or against it (negative weight), beside a usual wrong candidate.

        Refused: a pair that was never a candidate, since no search found it near.
        """
        place = self._place(left_id, right_id)
        values = self.features_.table()[place]
        parts, usual = self.learned_.model.parts(np.stack([values, self.learned_.usual]))
        gain = parts - usual
        order = np.argsort(-np.abs(gain), kind="stable")[:most]
        names = self.features_.names
        return [Reason(names[i], float(values[i]), float(self.learned_.usual[i]), float(gain[i])) for i in order]

    def waterfall(self, places: np.ndarray) -> Waterfall:
        """Why the candidates at these places score as they do, field by field; see `partners` for places."""
        return waterfall(self.described_, self.features_, self.learned_, places)

    def _place(self, left_id: str, right_id: str) -> int:
        pairs = self.features_.pairs
        left, right = int(self.links.left.rows_of([left_id])[0]), int(self.links.right.rows_of([right_id])[0])
        found = np.flatnonzero((pairs.left_rows == left) & (pairs.right_rows == right))
        if not len(found):
            raise BadInput(f"{left_id!r} and {right_id!r} were not compared: no search found them near, or they share no filled column")
        return int(found[0])
