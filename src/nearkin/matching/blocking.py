"""Which pairs are worth looking at: the nearest of each row by spelling and by words."""

from __future__ import annotations

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weightings import Bm25, Impacts, Weighting
from nearkin.matchers.candidates import Candidates, edges
from nearkin.matchers.pair_features import both_filled
from nearkin.matching.describe import Both, Described
from nearkin.matching.words import word_counts
from nearkin.stage import Stage

Rows = tuple[np.ndarray, np.ndarray]


def block(seen: Described, k: int) -> Candidates:
    """The union of the k nearest, in both directions, by characters of the name, of all text, and by BM25 of all text.

    Always by the name too: a long description drowns the title (.10 less completeness on one of the sets measured).
    Cost: three exact sparse searches each way.
    """
    searches: list[tuple[Both, Weighting]] = [
        (seen.head_grams, Impacts()),
        (seen.full_grams, Impacts()),
        (word_counts(*seen.full), Bm25()),
    ]
    parts = [part for both, weighting in searches for part in _both_ways(both, weighting, k)]
    return sharing(seen, Candidates.union(parts, len(seen.left), len(seen.right)))


def block_by(seen: Described, search: Stage) -> Candidates:
    """The hits of a stage that searches the right catalogue with the left one as queries."""
    hits = search(seen.left)
    if hits.items is not None and len(hits.items) != len(seen.right):
        raise BadInput(
            f"the blocking stage searches {len(hits.items):,} things, but the right table has {len(seen.right):,}; "
            "fit its index on the right table"
        )
    return sharing(seen, Candidates.union([(edges(hits)[0].left_rows, edges(hits)[0].right_rows)], len(seen.left), len(seen.right)))


def sharing(seen: Described, pairs: Candidates) -> Candidates:
    """Only the pairs that have some filled column in common: a row with only a street is never the same as one with only a name."""
    shared = np.zeros(len(pairs), bool)
    for a, b in seen.columns:
        shared |= both_filled(a.values, b.values, pairs)
    return pairs.take(shared)


def _both_ways(both: Both, weighting: Weighting, k: int) -> list[Rows]:
    left, right = both
    there = _search(left, right, weighting, k)
    back = there if left is right else _search(right, left, weighting, k)
    return [there, (back[1], back[0])]


def _search(queries, items, weighting: Weighting, k: int) -> Rows:  # type: ignore[no-untyped-def]
    hits = InvertedIndex(k=k, weighting=weighting).fit(items)(queries)
    query, place = np.nonzero(hits.rows >= 0)
    return query, hits.rows[query, place]
