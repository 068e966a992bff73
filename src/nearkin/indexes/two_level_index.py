"""Light codes in memory choose the candidates, heavy floats on disk put them in order."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_dim, check_table, checked_candidates, checked_keep, joined_things
from nearkin.indexes.disk_rows import DiskRows
from nearkin.indexes.flat_scan import products
from nearkin.indexes.marking import MarkingIndex
from nearkin.stage import Codec, fitted, learned
from nearkin.tables import Catalog, Codes, Hits, Vectors, best

SCORES = 1 << 24  # scores by codes held at once, over all queries of a block


@dataclass(kw_only=True)
class TwoLevelIndex(MarkingIndex):
    """Search of a corpus whose vectors do not fit into memory: codes of all items there, their floats in a memory map.

    Vectors[q, d] -> Hits[q, min(k, n)]. The `candidates` items with the highest score by codes are read from disk, and
    final score = <q, x> + weight * score by codes. The codec (fitted) scores float queries against codes, so queries are not quantised.
    light_dim: the two levels may come from two encoders, joined as one vector: its first light_dim numbers are coded, the others kept as
    floats (of items and queries alike); None: both levels see the whole vector. Floats are read for candidates only, counted in
    `floats_.read`; a memory map given to `fit` stays where it is, other rows are written to a file in `folder`.
    Cost: n code scores a query, then candidates * d multiplications and as many rows from disk; memory: the codes and a byte an item.
    `add` codes and writes the new items alone; `remove` marks. Refused: another dim, a codec that was not fitted, light_dim outside of d.
    Source: BiDR (WWW 2022), whose sparse and dense levels these are; weight 0.3 there.
    """

    codec: Codec
    k: int = 10
    candidates: int = 1000
    weight: float = 0.0
    light_dim: int | None = None
    folder: str | None = None
    codes_: Codes | None = learned()
    floats_: DiskRows | None = learned()
    gone_: np.ndarray | None = learned()  # bool [n]: removed
    things_: Catalog | None = learned(optional=True)

    def __post_init__(self) -> None:
        if self.candidates < 1 or (self.light_dim is not None and self.light_dim < 1):
            raise BadInput(f"expected candidates and light_dim of 1 at least, got {self.candidates} and {self.light_dim}")

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        light, heavy = self._levels(items)
        self.codes_, self.floats_ = self.codec(light), DiskRows.written(heavy.rows, self.folder)
        self.gone_, self.things_ = np.zeros(len(items), np.bool_), items.things
        return self

    def add(self, items: Vectors) -> Self:
        check_dim(self, fitted(self).dim, items.dim)
        new, other = copy(self).fit(items), copy(self)
        other.codes_ = Codes(np.concatenate([self.codes_.symbols, new.codes_.symbols]), self.codes_.codebook_sizes)
        other.floats_ = self.floats_.followed_by(new.floats_)
        other.gone_ = np.concatenate([self.gone_, new.gone_])
        other.things_ = joined_things(self, self.things_, items.things)
        return other

    @property
    def dim(self) -> int:
        """Numbers a vector, both levels together."""
        return fitted(self).floats_.dim + (self.light_dim or 0)

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        light, heavy = self._asked(queries)
        barred = self._barred(keep)
        found = [self._searched(light.take(part), heavy.rows[part], barred) for part in self._blocks(len(queries))]
        return self._joined(found, min(self.k, len(self)), queries.things)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        light, heavy = self._asked(queries)
        rows = checked_candidates(rows, len(queries), len(self))
        scores = np.full(rows.shape, -np.inf, np.float32)
        for query, (wanted, line) in enumerate(zip(rows, scores)):
            there = wanted >= 0
            by_codes = self.codec.scores(light.take([query]), self.codes_.take(wanted[there]))[0]
            line[there] = self._final(heavy.rows[query], wanted[there], by_codes)
        return scores

    def light_hits(self, queries: Vectors, k: int, *, keep: np.ndarray | None = None) -> Hits:
        """The k best by codes alone; no float is read. What hard negatives are mined from."""
        light, _ = self._asked(queries)
        barred = self._barred(keep)
        found = [self._candidates(light.take(part), barred, k) for part in self._blocks(len(queries))]
        return self._joined([(hits.rows, hits.scores) for hits in found], min(k, len(self)), queries.things)

    def _barred(self, keep: np.ndarray | None) -> np.ndarray:
        keep = checked_keep(keep, len(self))
        return self.gone_ if keep is None else self.gone_ | ~keep

    def _blocks(self, count: int) -> list[np.ndarray]:
        """Queries in blocks whose scores by codes fit into memory."""
        step = max(1, SCORES // max(len(self), 1))
        return [np.arange(start, min(start + step, count)) for start in range(0, count, step)]

    def _joined(self, found: list[tuple[np.ndarray, np.ndarray]], width: int, queries: Catalog | None) -> Hits:
        empty = (np.empty((0, width), np.int32), np.empty((0, width), np.float32))
        rows, scores = (np.concatenate(each) for each in zip(empty, *found, strict=True))
        return Hits(rows, scores, queries, self.things_)

    def _candidates(self, light: Vectors, barred: np.ndarray, count: int) -> Hits:
        scores = self.codec.scores(light, self.codes_)
        scores[:, barred] = -np.inf
        return best(scores, min(count, len(self)), queries=None, items=None)

    def _searched(self, light: Vectors, heavy: np.ndarray, barred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and final scores of a block of queries: [b, min(k, n)] each."""
        chosen = self._candidates(light, barred, max(self.candidates, self.k))
        scores = np.full(chosen.rows.shape, -np.inf, np.float32)
        for query, rows, by_codes, line in zip(heavy, chosen.rows, chosen.scores, scores):
            there = rows >= 0
            line[there] = self._final(query, rows[there], by_codes[there])
        hits = best(scores, min(self.k, len(self)), rows=chosen.rows, queries=None, items=None)
        return hits.rows, hits.scores

    def _final(self, query: np.ndarray, rows: np.ndarray, by_codes: np.ndarray) -> np.ndarray:
        """Scores of the second level for one query; the only place where floats are read."""
        return products(self.floats_.take(rows), query) + np.float32(self.weight) * by_codes

    def _asked(self, queries: Vectors) -> tuple[Vectors, Vectors]:
        check_table(self, queries, Vectors)
        check_dim(self, fitted(self).dim, queries.dim)
        return self._levels(Vectors(np.ascontiguousarray(queries.rows, np.float32), queries.things))

    def _levels(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """What is coded, and what is kept as floats."""
        if self.light_dim is None:
            return vectors, vectors
        if self.light_dim >= vectors.dim:
            raise BadInput(f"light_dim {self.light_dim} leaves nothing of vectors of dim {vectors.dim} for the second level")
        light, heavy = vectors.rows[:, : self.light_dim], vectors.rows[:, self.light_dim :]
        return Vectors(light, vectors.things), Vectors(np.ascontiguousarray(heavy) if type(heavy) is np.ndarray else heavy, vectors.things)

    def state(self) -> dict[str, Any]:
        floats = None if self.floats_ is None else [np.asarray(part) for part in self.floats_.parts]
        return {"codes_": self.codes_, "floats_": floats, "gone_": self.gone_, "things_": self.things_}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore({**state, "floats_": None if state["floats_"] is None else DiskRows(state["floats_"])})
