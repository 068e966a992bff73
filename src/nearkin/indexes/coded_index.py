"""Search of vectors that are held as codes only."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.marking import MarkingIndex
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Codes, Hits, Vectors, best

BLOCK = 4096  # items coded at once
GROUP = 16  # queries whose tables are held at once


@dataclass(kw_only=True)
class CodedIndex(MarkingIndex):
    """Flat search of codes by float queries: no floats of the items are kept, and queries are not coded (asymmetric scores).

    Vectors[q, d] -> Hits[q, min(k, n)]; score = what `codec.scores` gives, for a product quantiser the inner product with the decoded row.
    The codec is given fitted. Cost: q * n * levels look-ups; memory that of the symbols.
    `add` codes with the codec as it is, `remove` marks. Refused: another dim, and what the codec refuses.
    Source: the asymmetric distance of Jegou, Douze and Schmid, 2011.
    """

    codec: Codec
    k: int = 10
    codes_: Codes | None = learned()
    gone_: np.ndarray | None = learned()  # bool [n]: removed
    dim_: int | None = learned()

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        self.codes_, self.gone_, self.dim_ = self._coded(items), np.zeros(len(items), np.bool_), items.dim
        return self

    def add(self, items: Vectors) -> Self:
        other, old = copy(fitted(self)), self.codes_
        check_table(self, items, Vectors)
        check_dim(self, self.dim_, items.dim)
        symbols = np.concatenate([old.symbols, self._coded(items).symbols])
        other.codes_ = Codes(symbols, old.codebook_sizes, joined_things(self, old.things, items.things))
        other.gone_ = np.concatenate([self.gone_, np.zeros(len(items), np.bool_)])
        return other

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        keep = checked_keep(keep, len(fitted(self)))
        barred = self.gone_ if keep is None else self.gone_ | ~keep
        scores = np.where(barred, -np.inf, self._scores(queries))
        return best(scores, min(self.k, len(self)), queries=queries.things, items=self.codes_.things)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        rows = checked_candidates(rows, len(queries), len(fitted(self)))
        found = np.take_along_axis(self._scores(queries), np.maximum(rows, 0), 1) if len(self) else np.empty(rows.shape)
        return np.where(rows >= 0, found, -np.inf).astype(np.float32)

    def _scores(self, queries: Vectors) -> np.ndarray:
        """Every query with every item, float32 [q, n]."""
        check_table(self, queries, Vectors)
        check_dim(self, self.dim_, queries.dim)
        parts = [
            self.codec.scores(queries.take(np.arange(at, min(at + GROUP, len(queries)))), self.codes_)
            for at in range(0, len(queries), GROUP)
        ]
        return np.concatenate([np.zeros((0, len(self)), np.float32), *parts])

    def _coded(self, items: Vectors) -> Codes:
        parts = [self.codec(items.take(np.arange(at, min(at + BLOCK, len(items))))) for at in range(0, max(len(items), 1), BLOCK)]
        return Codes(np.concatenate([each.symbols for each in parts]), parts[0].codebook_sizes, items.things)
