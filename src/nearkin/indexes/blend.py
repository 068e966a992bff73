"""The default recommender: what people do and what things are, added up with weights that held-out steps choose."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.from_history import BlockRecommender, copied, named, shown
from nearkin.indexes.histories import Histories, in_rows_of
from nearkin.indexes.popularity import Popularity
from nearkin.stage import Stage, fitted, learned
from nearkin.tables import Catalog, Links

STEPS, FEW = 10, 4  # weights are tried in tenths; in fifths where there are more parts than a few
WINNERS = 5  # the mean of this many best weightings is taken, because held-out steps do not tell neighbours apart
DEEP = 100  # candidates of each part that the weights are tried on
SCALED = 10  # a part is divided by the mean of its ten best scores for this person
PRIOR = 1e-3  # of the popularity that fills a list where no part has anything to say


@dataclass(kw_only=True)
class Blend(BlockRecommender):
    """A weighted sum of recommenders over all items, each first divided by its mean over its ten best for this person.

    Catalog[q] with a history -> Hits[q, k]. Where no part speaks (an empty history, a list that runs out) popularity fills.
    score(c) = sum over parts of weight_p * max(0, score_p(c)) / mean of the ten best score_p + 0.001 * count(c) / max count
    The weights: the last link of `people` random persons is held out, the parts learn from the rest, and of all weights in tenths
    the mean of the five with the best nDCG@10 is taken; then the parts learn from everything. Cost: two fits of each part, and 66
    sums for three parts over the 100 best candidates of each. All closed form, no gradient. Fixed weights skip the search.
    Source: ours; `benches/next_item.py` measures it.
    """

    parts: tuple[BlockRecommender, ...]
    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    weights: tuple[float, ...] = ()  # chosen at `fit` when empty
    people: int = 5000  # held out to choose the weights
    seed: int = 0
    items_: Catalog | None = learned()
    parts_: tuple[BlockRecommender, ...] | None = learned()
    weights_: tuple[float, ...] | None = learned()
    popular_: np.ndarray | None = learned()  # float32 [n], 1 for the most popular item

    @classmethod
    def usual(cls, encoder: Stage | None = None, *, k: int = 10, repeats: bool = False, seed: int = 0) -> Blend:
        """EASE and directed neighbours; and likeness by this encoder's vectors, where there is one."""
        parts: list[BlockRecommender] = [Ease(decay=0.8, repeats=repeats), DirectedKnn(repeats=repeats)]
        if encoder is not None:
            parts.append(ContentProfile(encoder=encoder, repeats=repeats))
        return cls(parts=tuple(parts), k=k, repeats=repeats, seed=seed)

    def fit(self, interactions: Links) -> Self:
        if not self.parts or (self.weights and len(self.weights) != len(self.parts)):
            raise BadInput(f"a blend has parts and one weight each, or none: {len(self.parts)} parts, {len(self.weights)} weights")
        self.weights_ = self.weights or self._chosen(interactions)
        self.parts_ = tuple(copy(part).fit(interactions) for part in self.parts)
        return self._with_popularity(interactions)

    def of_fitted(self, interactions: Links) -> Self:
        """Like `fit`, but with parts that were fitted before, and weights that are given."""
        self.weights_, self.parts_ = self.weights, self.parts
        return self._with_popularity(interactions)

    def _with_popularity(self, interactions: Links) -> Self:
        self.popular_ = _shares(Popularity().fit(interactions).counts_)
        self.items_ = interactions.right
        return self

    def _chosen(self, interactions: Links) -> tuple[float, ...]:
        """The weights under which the held-out steps stand highest; equal ones where nobody has three links."""
        rest, histories, targets = held_out(interactions, self.people, self.seed)
        if not len(targets) or len(self.parts) == 1:
            return (1.0,) * len(self.parts)
        parts = [copy(part).fit(rest) for part in self.parts]
        return weighed(parts, histories, targets, repeats=self.repeats)[0]

    def block(self, histories: Histories) -> np.ndarray:
        return self._sum(histories, [part.block(histories) for part in fitted(self).parts_])

    def _sum(self, histories: Histories, blocks: list[np.ndarray]) -> np.ndarray:
        total = np.tile(np.float32(PRIOR) * self.popular_, (len(histories), 1))
        for weight, scores in zip(self.weights_, blocks, strict=True):
            if weight:
                total += np.float32(weight) * np.maximum(scores, 0) / _height(self, histories, scores)
        return total

    def explain(self, history: Sequence[str], row: int) -> list[tuple[str, float]]:
        """What each item of the history adds to the score of the item at `row`, greatest first; popularity's share is left out."""
        items = fitted(self).items_
        histories = Histories.of(Catalog.histories([history]), items)
        shares = np.zeros(len(histories.rows), np.float32)
        for weight, part in zip(self.weights_, self.parts_, strict=True):
            height = _height(self, histories, part.block(histories))[0, 0]
            shares += np.float32(weight) * part.block(histories.single())[:, row] / height
        return named(items, histories.rows, shares)

    def for_items(self, items: Catalog) -> Self:
        parts = tuple(part.for_items(items) for part in fitted(self).parts_)
        return copied(self, items_=items, parts_=parts, popular_=in_rows_of(items, self.items_, self.popular_))


def _shares(counts: np.ndarray) -> np.ndarray:
    return (counts / max(1.0, counts.max(initial=0))).astype(np.float32)


def _height(model: BlockRecommender, histories: Histories, scores: np.ndarray) -> np.ndarray:
    """The mean of the ten best scores that may be hits: float32 [b, 1], 1 where there is none."""
    rows = shown(model, histories, scores, min(SCALED, scores.shape[1]))
    top = np.where(rows >= 0, np.take_along_axis(scores, np.maximum(rows, 0), 1), 0)
    mean = top.mean(1, keepdims=True)
    return np.where(mean > 0, mean, 1).astype(np.float32)


def held_out(interactions: Links, people: int, seed: int) -> tuple[Links, Histories, np.ndarray]:
    """The links without the last one of some random people of three links or more, those people's histories, and what was held out."""
    order = np.argsort(interactions.left_rows, kind="stable")
    offsets, rows = interactions.by_left()
    able = np.flatnonzero(np.diff(offsets) >= 3)
    drawn = np.sort(np.random.default_rng(seed).permutation(able)[:people])
    last = offsets[drawn + 1] - 1
    kept = np.ones(len(rows), bool)
    kept[order[last]] = False
    starts, lengths = offsets[drawn], np.diff(offsets)[drawn] - 1
    shorter = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.repeat(starts - shorter[:-1], lengths) + np.arange(shorter[-1])
    return interactions.take(kept), Histories.made(shorter, rows[places]), rows[last]


def weighed(
    parts: Sequence[BlockRecommender], histories: Histories, targets: np.ndarray, *, repeats: bool
) -> tuple[tuple[float, ...], float]:
    """The mean of the five weightings in tenths with the best nDCG@10 of the targets, and what it reaches."""
    rows, scores = candidates(parts, Blend(parts=tuple(parts), repeats=repeats), histories, targets)
    grid = np.array(weight_grid(len(parts)))
    figures = np.array([blended_ndcg(rows, scores, targets, weights) for weights in grid])
    weights = tuple(grid[np.argsort(-figures, kind="stable")[:WINNERS]].mean(0).tolist())
    return weights, blended_ndcg(rows, scores, targets, weights)


def candidates(
    parts: Sequence[BlockRecommender], model: BlockRecommender, histories: Histories, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each person's best of every part, and what each part says of them, scaled: int32 [q, c] and float32 [parts, q, c].

    A row that stands twice, or may not be a hit, is marked -1. The target comes first, with 0 where the person had it before.
    """
    items = len(parts[0].items_)  # type: ignore[arg-type]
    all_rows, all_scores = [], []
    for start, stop, batch in histories.batches(items):
        blocks = [part.block(batch) for part in parts]
        scaled = [np.maximum(scores, 0) / _height(model, batch, scores) for scores in blocks]
        if not model.repeats:
            for scores in scaled:
                scores[batch.owners, batch.rows] = 0
        found = [shown(model, batch, scores, min(DEEP, items)) for scores in blocks]
        rows = np.concatenate([targets[start:stop, None], *found], axis=1)
        all_rows.append(_once(rows))
        all_scores.append(np.stack([np.take_along_axis(scores, np.maximum(rows, 0), 1) for scores in scaled]))
    return np.concatenate(all_rows), np.concatenate(all_scores, axis=1)


def _once(rows: np.ndarray) -> np.ndarray:
    """Rows with every later copy of a row in the same line marked -1."""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    again = np.zeros(rows.shape, bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], 1)
    return np.where(again, -1, rows)


def blended_ndcg(rows: np.ndarray, scores: np.ndarray, targets: np.ndarray, weights: Sequence[float]) -> float:
    """Mean nDCG@10 of the targets, which stand first, among their candidates; ties against them."""
    total = np.tensordot(np.asarray(weights, np.float32), scores, 1)
    own = total[:, :1]
    rank = ((total >= own) & (rows >= 0)).sum(1)
    return float(np.where((rank <= 10) & (own[:, 0] > 0), 1 / np.log2(rank + 1.0), 0).mean())


def weight_grid(parts: int) -> list[tuple[float, ...]]:
    """All weights in tenths (fifths for more than four parts) that sum to 1, the more even ones first, so that they win ties."""
    steps = STEPS if parts <= FEW else STEPS // 2
    found = [tuple(n / steps for n in shares) for shares in product(range(steps + 1), repeat=parts) if sum(shares) == steps]
    return sorted(found, key=lambda weights: sum(weight**2 for weight in weights))
