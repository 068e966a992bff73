"""What a search returns and is not right: the negatives that teach the most."""

from __future__ import annotations

import numpy as np

from nearkin.errors import BadInput
from nearkin.tables import Hits, Links


def hard_negatives(hits: Hits, positives: Links, *, groups: np.ndarray | None = None) -> Links:
    """The hits of each query without its right answers, best first; `time` is the rank among all hits (from 0), `weight` the score.

    hits: of TRAIN queries, by the index whose candidates are to be told apart; positives: those queries x items, weight above 0 is right.
    groups: int [n], equal for items that are copies of one another (or None); a copy of a right answer is no negative either.
    A query whose hits are all right has no negatives. Refused: hits and positives over other catalogues, a group missing.
    """
    queries, items = hits.queries, hits.items
    if queries is None or items is None or not positives.left.ids.equals(queries.ids) or not positives.right.ids.equals(items.ids):
        raise BadInput("hits and positives must be over the same queries and items; search the left catalogue of the positives")
    groups = np.arange(len(items)) if groups is None else np.asarray(groups)
    if groups.shape != (len(items),):
        raise BadInput(f"groups give one number for each of the {len(items)} items, got {list(groups.shape)}")
    query, rank = np.nonzero(hits.rows >= 0)
    item = hits.rows[query, rank]
    right = positives.take(positives.weight > 0)
    known = _keys(right.left_rows, groups[right.right_rows], groups)
    wrong = ~np.isin(_keys(query, groups[item], groups), known)
    return Links(queries, items, query[wrong], item[wrong], weight=hits.scores[query, rank][wrong], time=rank[wrong])


def _keys(queries: np.ndarray, groups: np.ndarray, every: np.ndarray) -> np.ndarray:
    """One number for each pair of a query and a group."""
    return queries.astype(np.int64) * (int(every.max(initial=0)) + 1) + groups
