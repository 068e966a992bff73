"""The trained pair model of library books: does this reading of a spine name this entry of the catalogue?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.encoders.char_grams import DIM, counted
from nearkin.matchers.candidates import Candidates, edges
from nearkin.matchers.logistic import Logistic, fit_logistic
from nearkin.matchers.pair_features import cosines, margins
from nearkin.stage import Refiner, fitted, learned
from nearkin.tables import Hits, Links, SparseVectors, best

MOST = 400  # characters of a reading or an entry


@dataclass(kw_only=True)
class SpinePairs(Refiner):
    """Hits[q, k] -> Hits[q, k], scores = log-odds that the reading (a catalogue with `ocr`) names the entry.

    A logistic regression over how much of each field's character 3-grams (weighted by rarity) stands in the reading, how much of the
    reading the entry explains, and how far that is ahead of the reading's other candidates. It is fitted on made-up readings of the
    catalogue, never on real ones. Cost: the 3-grams of both texts a pair and field.
    Source: the pair model of paper 69, which is a BERT; this one is small enough to train in seconds on one core.
    """

    fields: tuple[str, ...] = ("title", "author", "tag")
    penalty: float = 1.0
    rarity_: np.ndarray | None = learned()  # float32 [dim]
    weights_: np.ndarray | None = learned()  # float64 [4, f]: weight, mean and scale of each feature, and the bias

    def fit(self, hits: Hits, truth: Links) -> Self:
        """Learn from hits of readings whose true entries are known."""
        assert hits.items is not None
        self.rarity_ = rarity(hits.items.texts(*self.fields))
        pairs, scores = edges(hits)
        keys = truth.left_rows.astype(np.int64) * len(hits.items) + truth.right_rows
        positive = np.isin(pairs.left_rows.astype(np.int64) * len(hits.items) + pairs.right_rows, keys)
        values = self.features(hits, pairs, scores)
        model = fit_logistic(values, positive, np.ones(len(positive)), penalty=self.penalty)
        self.weights_ = np.stack([model.weights, model.mean, model.scale, np.full(len(model.weights), model.bias)])
        return self

    def __call__(self, hits: Hits) -> Hits:
        weights, mean, scale, bias = fitted(self).weights_
        pairs, scores = edges(hits)
        if not len(pairs):
            return hits
        model = Logistic(np.asarray(weights), float(bias[0]), np.asarray(mean), np.asarray(scale))
        odds = np.full(hits.rows.shape, -np.inf, np.float32)
        query, place = np.nonzero(hits.rows >= 0)
        order = np.lexsort((hits.rows[query, place], query))
        odds[query[order], place[order]] = model.scores(self.features(hits, pairs, scores))
        return best(odds, hits.k, queries=hits.queries, items=hits.items, rows=hits.rows)

    def features(self, hits: Hits, pairs: Candidates, scores: np.ndarray) -> np.ndarray:
        """What is known of each pair: float64 [m, f]."""
        assert hits.queries is not None
        assert hits.items is not None
        used, own = np.unique(pairs.right_rows, return_inverse=True)
        entries = hits.items.take(used)
        near = Candidates(left_rows=pairs.left_rows, right_rows=own.astype(np.int32), left_count=len(hits), right_count=len(used))
        read = self._grams(hits.queries.texts("ocr"))
        fields = [entries.texts(name) for name in self.fields]
        found = [cosines(ones(read), shares(self._grams(texts)), near) for texts in fields]
        short = cosines(ones(read), shares(self._grams([text.split(" : ")[0] for text in fields[0]])), near)
        explained = cosines(shares(read), ones(self._grams(entries.texts(*self.fields))), near)
        filled = [np.array([bool(text.strip()) for text in texts])[own] for texts in fields[1:]]
        lead = [
            margins(pairs, values, np.ones(len(pairs), bool))[:, 1] for values in (explained.astype(float), short.astype(float), scores)
        ]
        size = np.log1p(np.diff(read.offsets))[pairs.left_rows]
        whole = [short, explained, scores, short * explained, short**2, explained**2, size, size * explained, size * short]
        return np.stack([*found, *whole, *lead, *filled], 1).astype(np.float64)

    def _grams(self, texts: list[str]) -> SparseVectors:
        offsets, columns, _ = counted(texts, MOST)
        return SparseVectors(offsets, columns, np.asarray(self.rarity_)[columns], DIM)


def rarity(texts: list[str]) -> np.ndarray:
    """1 + ln((1 + n) / (1 + df)) of each 3-gram: float32 [dim]."""
    _, columns, _ = counted(texts, MOST)
    return (1 + np.log((1 + len(texts)) / (1 + np.bincount(columns, minlength=DIM)))).astype(np.float32)


def shares(vectors: SparseVectors) -> SparseVectors:
    """Values scaled to sum 1 a row."""
    owner = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
    total = np.bincount(owner, vectors.values, minlength=len(vectors))
    return SparseVectors(vectors.offsets, vectors.columns, vectors.values / total[owner], vectors.dim)


def ones(vectors: SparseVectors) -> SparseVectors:
    """Every value 1."""
    return SparseVectors(vectors.offsets, vectors.columns, np.ones_like(vectors.values), vectors.dim)
