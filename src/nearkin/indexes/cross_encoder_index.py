"""The items that a scorer of pairs likes best, found by scoring few of them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_table, checked_candidates, checked_keep
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.marking import MarkingIndex
from nearkin.stage import Index, Refiner, fitted, learned, with_k
from nearkin.stage.pair_scores import pair_scores
from nearkin.tables import Catalog, Hits, Vectors, best

_TOGETHER = 64  # queries scored against all items at once


@dataclass(kw_only=True)
class CrossEncoderIndex(MarkingIndex):
    """Near neighbours by any scorer of pairs (a cross-encoder, an edit distance, a matcher), by a CUR factorisation of its score matrix.

    Catalog[q] -> Hits[q, min(k, n)], scores those of the scorer. `scorer`: a refiner that scores each hit by its pair alone.
    fit scores all items for the anchor queries, R [k_q, n], draws k_i anchor items at random, and keeps U = pinv(R[:, anchors]).
    A search scores the anchor items, c [k_i], takes the other items with the highest c U R, scores those too, and answers with the best
    of all that were scored; `budget` calls of the scorer a query, the share `anchoring` of them for anchors.
    rounds > 1 (ADACUR): only budget * anchoring / rounds anchors are random, the others are in each round the items that look best so far.
    `prefer` says what the inner index holds for an item: "rows", its column of U R (k_i numbers), or "cols", its column of R (k_q numbers);
    both give the same products. Without `queries` the anchor items themselves ask (item-item).
    `keep` and `remove` narrow the candidates and the hits; anchors are scored all the same. Where the budget leaves too few to answer with
    k, more are scored. `add` scores the anchor queries with the new items; anchors stay those of fit.
    Cost: k_q * n calls to fit, k_q an item added, `budget` a query; then k_i * n multiplications, or what the inner index takes; a round
    takes a pseudo-inverse [k_q, k_i] a query. Memory: 4 * k_q * n bytes and the inner index.
    Refused: more anchors than items, several rounds with "rows", scorers that leave hits out or give scores that are not finite.
    A scorer should give logits: a sigmoid bends the low rank away. Singular values below rcond * the greatest count as 0 in U. Look
    at `spectrum`: scores that share an offset have one value far above the rest, and an rcond of 0.01 may cut all others off; where k_i is
    near k_q and scores are noisy, one below 0.0001 lets the noise grow.
    Source: Yadav et al. 2022 (ANNCUR) and 2023 (rounds, ADACUR).
    """

    scorer: Refiner
    queries: Catalog | None = None  # anchor queries, unlike each other; None: the anchor items ask
    k: int = 10
    budget: int = 200
    anchoring: float = 0.5
    rounds: int = 1
    rcond: float = 1e-3
    prefer: Literal["rows", "cols"] = "rows"
    inner: Index = field(default_factory=FlatIndex)
    seed: int = 0
    items_: Catalog | None = learned()
    scores_: np.ndarray | None = learned()  # R: float32 [k_q, n]
    anchors_: np.ndarray | None = learned()  # int32 [anchors], rising; those drawn at random
    weights_: np.ndarray | None = learned()  # U: float64 [anchors, k_q]
    inner_: Index | None = learned()
    gone_: np.ndarray | None = learned()  # bool [n]: removed

    takes = Catalog

    def __post_init__(self) -> None:
        if not 0 < self.anchoring <= 1 or self.budget < 1 or not 1 <= self.rounds <= self.anchors or not 0 <= self.rcond < 1:
            raise BadInput(f"expected 0 < anchoring <= 1, budget >= 1, 1 <= rounds <= budget * anchoring and 0 <= rcond < 1; got {self}")
        if self.prefer not in ("rows", "cols") or (self.rounds > 1 and self.prefer == "rows"):
            raise BadInput(f"expected prefer 'rows' or 'cols', and 'cols' for several rounds; got {self.prefer!r} and {self.rounds} rounds")

    @property
    def anchors(self) -> int:
        """Anchor items that each query is scored with, k_i."""
        return max(round(self.budget * self.anchoring), 1)

    def fit(self, items: Catalog) -> Self:
        check_table(self, items, Catalog)
        if self.queries is not None and not len(self.queries):
            raise BadInput("CrossEncoderIndex needs anchor queries, got none; give some, or queries=None for the anchor items to ask")
        if self.anchors > len(items):
            raise BadInput(f"{self.anchors} anchors of {len(items)} items cannot be drawn; lower the budget or anchoring, or score all")
        self.items_, self.gone_ = items, np.zeros(len(items), np.bool_)
        self.anchors_ = np.sort(np.random.default_rng(self.seed).permutation(len(items))[: -(-self.anchors // self.rounds)]).astype(
            np.int32
        )
        self.scores_ = self._rows(items)
        self.weights_ = np.linalg.pinv(self.scores_[:, self.anchors_].astype(np.float64), self.rcond)
        self.inner_ = copy(self.inner).fit(self._columns(self.scores_))
        return self

    def add(self, items: Catalog) -> Self:
        other = copy(fitted(self))
        check_table(self, items, Catalog)
        more = self._rows(items)
        other.items_ = self.items_.followed_by(items)  # type: ignore[union-attr]
        other.scores_ = np.concatenate([self.scores_, more], axis=1)  # type: ignore[list-item]
        other.inner_ = self.inner_.add(self._columns(more))  # type: ignore[union-attr]
        other.gone_ = np.concatenate([self.gone_, np.zeros(len(items), np.bool_)])  # type: ignore[list-item]
        return other

    def __call__(self, queries: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        check_table(self, queries, Catalog)
        fitted(self)
        keep = checked_keep(keep, len(self))
        open_ = ~self.gone_ if keep is None else keep & ~self.gone_  # type: ignore[operator]
        rows = np.tile(self.anchors_, (len(queries), 1))  # type: ignore[arg-type]
        scores = self.score(queries, rows)
        closed = int((~open_[self.anchors_]).sum())  # anchors that may not be hits are no help towards k
        for total in (*self._totals(), max(self.budget, self.k + closed)):
            rows, scores = self._further(queries, rows, scores, open_, min(total, len(self)))
        allowed = np.append(open_, False)[rows]
        return best(scores, min(self.k, len(self)), rows=np.where(allowed, rows, -1), queries=queries, items=self.items_)

    def score(self, queries: Catalog, rows: np.ndarray) -> np.ndarray:
        rows = checked_candidates(rows, len(queries), len(self))
        return pair_scores(self.scorer, queries, fitted(self).items_, rows)  # type: ignore[arg-type]

    def approximate(self, queries: Catalog) -> np.ndarray:
        """The scores that the anchors drawn at random foretell: float32 [q, n]; anchors are scored, nothing else."""
        rows = np.tile(fitted(self).anchors_, (len(queries), 1))  # type: ignore[arg-type]
        return np.asarray(self.score(queries, rows) @ self.weights_ @ self.scores_, np.float32)

    def spectrum(self) -> np.ndarray:
        """Singular values of R over the greatest, falling: how low the rank is, and where to put rcond. float64 [min(k_q, n)]."""
        values = np.linalg.svd(fitted(self).scores_.astype(np.float64), compute_uv=False)  # type: ignore[union-attr]
        return values / max(values[0], 1e-300)

    def _rows(self, items: Catalog) -> np.ndarray:
        """Scores of all these items for the anchor queries: float32 [k_q, n]."""
        asking = self.items_.take(self.anchors_) if self.queries is None else self.queries  # type: ignore[union-attr, arg-type]
        parts = [asking.take(np.arange(start, min(start + _TOGETHER, len(asking)))) for start in range(0, len(asking), _TOGETHER)]
        every = np.arange(len(items), dtype=np.int32)
        return np.concatenate([pair_scores(self.scorer, part, items, np.tile(every, (len(part), 1))) for part in parts])

    def _columns(self, scores: np.ndarray) -> Vectors:
        """What the inner index holds for the items with these columns of R."""
        columns = self.weights_ @ scores if self.prefer == "rows" else scores
        return Vectors(np.ascontiguousarray(columns.T, np.float32))

    def _totals(self) -> list[int]:
        """How many anchors each query has been scored with after each round but the first."""
        drawn = len(self.anchors_)  # type: ignore[arg-type]
        return [min(drawn * (done + 1), self.anchors) for done in range(1, self.rounds)]

    def _further(
        self, queries: Catalog, rows: np.ndarray, scores: np.ndarray, open_: np.ndarray, total: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """What was scored, and of the other items those that look best, `total` in all."""
        step = total - rows.shape[1]
        if step <= 0 or not len(queries):
            return rows, scores
        look = with_k(self.inner_, total)(self._asking(rows, scores), keep=open_).rows  # type: ignore[type-var, operator]
        fresh = np.stack([_first(line[~np.isin(line, done)], step) for line, done in zip(look, rows)])
        return np.concatenate([rows, fresh], 1), np.concatenate([scores, self.score(queries, fresh)], 1)

    def _asking(self, rows: np.ndarray, scores: np.ndarray) -> Vectors:
        """What to ask the inner index with, from what was scored so far."""
        if rows.shape[1] == len(self.anchors_):  # type: ignore[arg-type]
            asked = scores if self.prefer == "rows" else scores @ self.weights_  # type: ignore[operator]
        else:
            known = [(line >= 0, line, own) for line, own in zip(rows, scores)]
            asked = np.stack([own[there] @ np.linalg.pinv(self._of(line[there]), self.rcond) for there, line, own in known])
        return Vectors(np.ascontiguousarray(asked, np.float32))

    def _of(self, rows: np.ndarray) -> np.ndarray:
        return self.scores_[:, rows].astype(np.float64)  # type: ignore[index]


def _first(rows: np.ndarray, count: int) -> np.ndarray:
    """The first `count` rows, filled up with -1."""
    rows = rows[rows >= 0][:count]
    return np.concatenate([rows, np.full(count - len(rows), -1, rows.dtype)])
