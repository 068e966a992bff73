"""Candidate pairs as a list of edges, which is what all matchers work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.errors import BadInput
from nearkin.tables import Catalog, Hits, Links


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Pairs (left_rows[i], right_rows[i]), int32 [m], each once, in order of left, then right row."""

    left_rows: np.ndarray
    right_rows: np.ndarray
    left_count: int
    right_count: int

    def __len__(self) -> int:
        return len(self.left_rows)

    @classmethod
    def union(cls, parts: list[tuple[np.ndarray, np.ndarray]], left_count: int, right_count: int) -> Candidates:
        """All pairs of several lists, each once."""
        keys = [left.astype(np.int64) * right_count + right for left, right in parts]
        key = np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
        left, right = np.divmod(key, max(right_count, 1))
        return cls(left_rows=left.astype(np.int32), right_rows=right.astype(np.int32), left_count=left_count, right_count=right_count)

    def take(self, which: np.ndarray) -> Candidates:
        """The pairs where this mask is true."""
        return Candidates(
            left_rows=self.left_rows[which], right_rows=self.right_rows[which], left_count=self.left_count, right_count=self.right_count
        )


def edges(hits: Hits) -> tuple[Candidates, np.ndarray]:
    """The pairs that the hits name, and their scores: float64 [m]."""
    query, place = np.nonzero(hits.rows >= 0)
    item = hits.rows[query, place]
    order = np.lexsort((item, query))
    counts = len(hits), len(hits.items) if hits.items is not None else int(item.max(initial=-1)) + 1
    pairs = Candidates(left_rows=query[order].astype(np.int32), right_rows=item[order], left_count=counts[0], right_count=counts[1])
    return pairs, hits.scores[query, place][order].astype(np.float64)


def at_least(scores: np.ndarray, least: float | None) -> np.ndarray:
    """Which scores reach the least that is asked for, all when nothing is: bool [m]."""
    return np.ones(len(scores), bool) if least is None else scores >= least


def chosen_links(hits: Hits, pairs: Candidates, chosen: np.ndarray, weight: np.ndarray) -> Links:
    """The chosen pairs (bool [m]) as links, heaviest first."""
    left, right = both_catalogs(hits)
    where = np.flatnonzero(chosen)
    where = where[np.argsort(-weight[where], kind="stable")]
    return Links(left, right, pairs.left_rows[where], pairs.right_rows[where], weight=weight[where])


def both_catalogs(hits: Hits) -> tuple[Catalog, Catalog]:
    if hits.queries is None or hits.items is None:
        raise BadInput("links join two catalogues, but these hits do not know their queries or items; search with a catalogue")
    return hits.queries, hits.items
