"""An exhaustive scan by short codes, then a second look by longer ones: how much of the exact answer comes out (recipe `leanvec`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nearkin.codecs.lvq import Lvq
from nearkin.projections.moments import Moments
from nearkin.projections.turned import Turned
from nearkin.recipes.leanvec_sets import Queries
from nearkin.stage import Codec, Projection, Stage
from nearkin.tables import Vectors

BLOCK = 200  # queries scored together
CHUNK = 64  # items of which the best is looked at first


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorer:
    """What scores all items at first: decoded primaries float32 [n, d], how queries get there, and bytes of a primary."""

    items: np.ndarray
    asking: Stage | None
    size: float

    def queries(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.asking is None else self.asking(Vectors(rows)).rows


def projected(projection: Projection, items: Vectors, *parts: Moments, bits: int, seed: int) -> Scorer:
    """Project, turn at random within the dims kept (a code with one step a row wants even ranges), and code by LVQ.

    parts: the moments that the projection learns from; none for one that does not.
    """
    turned = Turned(projection=projection, seed=seed)
    small = (turned.fit_moments(*parts) if parts else turned.fit(items))(items)
    return replace(coded(Lvq(bits=bits), small, small.dim * bits / 8 + 8), asking=turned.asking())


def coded(codec: Codec, vectors: Vectors, size: float) -> Scorer:
    """Rows as their codes say."""
    fitted: Any = codec.fit(vectors)
    return Scorer(items=fitted.decode(fitted(vectors)).rows, asking=None, size=size)


def recall(
    scorer: Scorer, items: np.ndarray, asked: Queries, reranks: Sequence[int], secondary: np.ndarray | None = None
) -> dict[int, np.ndarray]:
    """For each number of items scored again: the share of the exact best found, a test query. float64 [q] each."""
    held, queries, wanted = items if secondary is None else secondary, asked.test, asked.wanted
    rows, scores = nearest(scorer.items, scorer.queries(queries), max(reranks))
    rows = np.take_along_axis(rows, np.argsort(-scores, axis=1, kind="stable"), 1)
    exact = np.stack([held[some].astype(np.float32) @ query for some, query in zip(rows, queries)])
    found = {}
    for rerank in reranks:
        best = np.argsort(-exact[:, :rerank], axis=1)[:, : wanted.shape[1]]
        hits = np.take_along_axis(rows[:, :rerank], best, 1)
        found[rerank] = (hits[:, :, None] == wanted[:, None, :]).any(2).mean(1)
    return found


def nearest(items: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and products of the `count` best items of each query, in no order: int64 and float32 [q, count].

    The best of each chunk of items are compared first: `count` of them reach a value that all winners reach, and little else does.
    """
    rows, scores = np.empty((len(queries), count), np.int64), np.empty((len(queries), count), np.float32)
    whole = len(items) - len(items) % CHUNK
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK] @ items.T
        tops = block[:, :whole].reshape(len(block), -1, CHUNK).max(2)
        least = np.partition(tops, -count, axis=1)[:, -count] if tops.shape[1] >= count else np.full(len(block), -np.inf, np.float32)
        for query, (line, cut) in enumerate(zip(block, least), start):
            some = np.flatnonzero(line >= cut)
            kept = some[np.argpartition(-line[some], count - 1)[:count]]
            rows[query], scores[query] = kept, line[kept]
    return rows, scores
