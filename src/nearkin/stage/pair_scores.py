"""Ask any refiner that scores pairs for the scores of given pairs."""

from __future__ import annotations

import numpy as np

from nearkin.errors import BadInput
from nearkin.stage.stage import Refiner
from nearkin.tables import Catalog, Hits

_LAST = np.iinfo(np.int32).max


def pair_scores(scorer: Refiner, queries: Catalog, items: Catalog, rows: np.ndarray) -> np.ndarray:
    """Scores of given items for each query, by a refiner that scores each hit by its pair alone: int [q, c] -> float32 [q, c].

    rows: -1 for none, no row twice a query; -inf comes back there. Refused: a scorer that leaves out hits (a cut, or a `depth` below c),
    scores that are not finite.
    """
    order = np.argsort(np.where(rows < 0, _LAST, rows), axis=1, kind="stable")
    rising = np.take_along_axis(rows, order, 1).astype(np.int32)
    given = scorer(Hits(rising, np.zeros(rows.shape, np.float32), queries, items))
    if given.rows.shape != rising.shape:
        raise _left_out(scorer, rising.shape[1], given.rows.shape[1])
    back = np.argsort(np.where(given.rows < 0, _LAST, given.rows), axis=1, kind="stable")
    if (np.take_along_axis(given.rows, back, 1) != rising).any():
        raise _left_out(scorer, int((rising >= 0).sum()), int((given.rows >= 0).sum()))
    scores = np.empty(rows.shape, np.float32)
    np.put_along_axis(scores, order, np.take_along_axis(given.scores, back, 1), 1)
    if not np.isfinite(scores[rows >= 0]).all():
        raise BadInput(f"{type(scorer).__name__} gave a score that is not finite; it must give each pair a number")
    return scores


def _left_out(scorer: Refiner, asked: int, came: int) -> BadInput:
    return BadInput(
        f"{type(scorer).__name__} got {asked} hits to score and gave back {came}; use one that scores all (depth >= {asked}, no NaN)"
    )
