"""The one-to-one links with the highest sum of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.errors import BadInput
from nearkin.matchers.candidates import Candidates, chosen_links, edges
from nearkin.stage import Matcher
from nearkin.tables import Hits, Links


@dataclass(frozen=True, kw_only=True)
class OneToOne(Matcher):
    """Sparse assignment: all queries are matched at once, so that a clear answer frees its item for nobody else.

    Hits[q, k] -> Links, weight = score; maximises sum (score - reject) over links in which each query stands at most once and each
    item at most `copies` times (a library may own three copies of a book), its second link paying `copy_cost`, its third twice that.
    Pairs that do not pay (score <= reject) stay unlinked:
    every query has a dummy column of its own worth `reject`. Cost: about (q + c) * log(q) for c candidates on real data;
    memory 12 bytes a candidate and copy, so 2 million items need no dense matrix.
    Source: the Hungarian step of "Image-text matching for large-scale book collections" (paper 69); the sparse solver is
    Jonker-Volgenant (LAPJVsp) as in SciPy.
    """

    reject: float = 0.0
    copies: int = 1
    copy_cost: float = 0.0

    def __post_init__(self) -> None:
        if self.copies < 1 or self.copy_cost < 0 or not np.isfinite(self.reject):
            raise BadInput(f"expected copies >= 1, copy_cost >= 0 and a finite reject, got {self}")

    def __call__(self, hits: Hits) -> Links:
        pairs, scores = edges(hits)
        chosen = assign(pairs, scores, reject=self.reject, copies=self.copies, copy_cost=self.copy_cost)
        return chosen_links(hits, pairs, chosen, scores)


def assign(pairs: Candidates, scores: np.ndarray, *, reject: float = 0.0, copies: int = 1, copy_cost: float = 0.0) -> np.ndarray:
    """Which pairs the best assignment takes: bool [m]."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    chosen = np.zeros(len(pairs), bool)
    paying = np.flatnonzero(scores > reject)
    if not len(paying):
        return chosen
    rows, left = np.unique(pairs.left_rows[paying], return_inverse=True)
    items, right = np.unique(pairs.right_rows[paying], return_inverse=True)
    gain = scores[paying] - reject
    top = gain.max() * 2 + 1  # costs must be positive, since a sparse zero is no edge
    column = np.concatenate([right + copy * len(items) for copy in range(copies)] + [np.arange(len(rows)) + copies * len(items)])
    row = np.concatenate([left] * copies + [np.arange(len(rows))])
    cost = np.concatenate([top - gain + copy_cost * copy for copy in range(copies)] + [np.full(len(rows), top)])
    graph = csr_array((cost, (row, column)), shape=(len(rows), copies * len(items) + len(rows)))
    matched_rows, matched = min_weight_full_bipartite_matching(graph)
    real = matched < copies * len(items)
    taken = matched_rows[real].astype(np.int64) * len(items) + matched[real] % len(items)
    chosen[paying] = np.isin(left.astype(np.int64) * len(items) + right, taken)
    return chosen
