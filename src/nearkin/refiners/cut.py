"""End each list where the scores get too low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.errors import BadInput
from nearkin.refiners.places import repacked
from nearkin.stage import Refiner
from nearkin.tables import Hits


@dataclass(frozen=True, kw_only=True)
class Cut(Refiner):
    """Hits with a score of at least `least`, and at least the share `share` of the best score of their query.

    Hits[q, k] -> Hits[q, k]; pads fill the end. A share asks for scores where 0 means "nothing in common" (cosines, BM25): lists
    whose best score is not positive are left alone by it. Cost: one pass. Refused: a share outside [0, 1].
    """

    least: float | None = None
    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise BadInput(f"the share of a Cut lies in [0, 1], got {self.share}")

    def __call__(self, hits: Hits) -> Hits:
        top = hits.scores[:, :1]
        floor = np.where(top > 0, self.share * np.where(np.isfinite(top), top, 0), -np.inf)
        stay = (hits.rows >= 0) & (hits.scores >= floor)
        return repacked(hits, stay if self.least is None else stay & (hits.scores >= self.least))
