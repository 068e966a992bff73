"""One way to find things (an encoder and its index), kept in step with a catalogue that changes."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from nearkin.collection.texts import searchable
from nearkin.errors import BadInput
from nearkin.stage import Composite, Encoder, Index, Memo, Pipeline, Stage, with_k
from nearkin.tables import Catalog, Hits, best


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Stage):
    """A fitted encoder and index, and the number (`_seq`) of the thing in each row of the index: int64 [rows].

    Numbers rise. Rows of things that were removed or replaced stay, dead in the index; rows of new things are added behind.
    """

    encoder: Encoder
    index: Index
    seqs: np.ndarray
    added: int = 0  # rows added since the index was fitted: tells when to fit anew

    takes = Catalog
    gives = Hits

    @classmethod
    def built(cls, encoder: Encoder, index: Index, items: Catalog, seqs: np.ndarray) -> Self:
        """Fit the encoder (if it learns) and the index on these things."""
        texts = searchable(items)
        encoder, index = copy(encoder), copy(index)  # those given may be in use
        fit = getattr(encoder, "fit", None)
        if fit is not None:
            fit(texts)
        return cls(encoder=encoder, index=index.fit(_anonymous(encoder(texts))), seqs=seqs)

    def __call__(self, queries: Catalog, /, *, keep: np.ndarray | None = None) -> Hits:
        hits: Hits = Pipeline((self.encoder, self.index))(queries, keep=keep)
        return hits

    def moved_to(self, items: Catalog, seqs: np.ndarray) -> Self:
        """The branch for another state of the catalogue: rows not in it are removed, things not yet held are encoded and added."""
        gone = self.seqs[~among(self.seqs, seqs)]
        new = np.flatnonzero(~among(seqs, self.seqs))
        return self.changed(gone, searchable(items.take(new)), seqs[new])

    def changed(self, gone: np.ndarray, texts: Catalog, seqs: np.ndarray) -> Self:
        """Less the things of these numbers, and with others (as `searchable` gives them) behind."""
        index = self.index.remove(np.searchsorted(self.seqs, gone)) if len(gone) else self.index
        branch = replace(self, index=index)
        return branch._with_more(texts, seqs) if len(seqs) else branch

    def _with_more(self, texts: Catalog, seqs: np.ndarray) -> Self:
        encoder = self.encoder.extended(texts)
        index = self.index.add(_anonymous(encoder(texts)))
        return replace(self, encoder=encoder, index=index, seqs=np.concatenate([self.seqs, seqs]), added=self.added + len(seqs))


def among(numbers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some numbers are among others that rise: bool."""
    if not len(others):
        return np.zeros(len(numbers), bool)
    return np.asarray(others[np.minimum(np.searchsorted(others, numbers), len(others) - 1)] == numbers)


def _anonymous(vectors: Any) -> Any:
    """Vectors that do not know their things: the catalogue of a collection names the hits, not the index."""
    if vectors.things is None:
        return vectors
    other = object.__new__(type(vectors))
    other.__dict__.update(vectors.__dict__, things=None)
    return other


@dataclass(frozen=True, eq=False, kw_only=True)
class Placed(Composite):
    """A branch whose hits are rows of the present catalogue instead of rows of its index."""

    encoder: Encoder
    index: Index
    items: Catalog
    row_of: np.ndarray  # int32 [index rows]: row in the catalogue, -1 for a dead one
    index_row: np.ndarray  # int32 [things + 1]: row in the index; the last place answers for -1
    in_order: bool  # whether rows of the index stand in the order of the catalogue, so that ties stay in theirs
    k: int

    takes = Catalog

    @classmethod
    def of(cls, branch: Branch, items: Catalog, seqs: np.ndarray, k: int) -> Self:
        """The k is the depth to which the branch is asked."""
        if len(seqs):
            place = np.minimum(np.searchsorted(seqs, branch.seqs), len(seqs) - 1)
            row_of = np.where(seqs[place] == branch.seqs, place, -1).astype(np.int32)
        else:
            row_of = np.full(len(branch.seqs), -1, np.int32)
        index_row = np.full(len(seqs) + 1, -1, np.int32)
        alive = np.flatnonzero(row_of >= 0)
        index_row[row_of[alive]] = alive
        in_order = bool((np.diff(row_of[alive]) > 0).all())
        return cls(encoder=branch.encoder, index=branch.index, items=items, row_of=row_of, index_row=index_row, in_order=in_order, k=k)

    def changed(self, branch: Branch, items: Catalog, moved: np.ndarray) -> Self:
        """For the branch and the catalogue after a change that moved rows (int32, by the old row; -1: gone) and added things behind."""
        stays = moved >= 0
        stayed, added = int(np.count_nonzero(stays)), len(branch.seqs) - len(self.row_of)
        row_of = np.concatenate([np.append(moved, np.int32(-1))[self.row_of], np.arange(stayed, stayed + added, dtype=np.int32)])
        new = np.arange(len(self.row_of), len(row_of), dtype=np.int32)
        index_row = np.concatenate([self.index_row[:-1][stays], new, self.index_row[-1:]])
        return replace(self, encoder=branch.encoder, index=branch.index, items=items, row_of=row_of, index_row=index_row)

    def run(self, table: Any, keep: np.ndarray | None, memo: Memo) -> Hits:
        keep_rows = None if keep is None or not len(self.items) else keep[self.row_of] & (self.row_of >= 0)
        hits = with_k(self.index, self.k)(memo.run(self.encoder, table), keep=keep_rows)
        rows = np.where(hits.rows >= 0, self.row_of[hits.rows], -1)
        if self.in_order:
            return Hits.ordered(rows.astype(np.int32), hits.scores, hits.queries or table, self.items)
        return best(hits.scores, hits.k, rows=rows, queries=hits.queries or table, items=self.items)

    def score_with(self, table: Any, rows: np.ndarray, memo: Memo) -> np.ndarray:
        return self.index.score(memo.run(self.encoder, table), self.index_rows(rows))

    def index_rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the catalogue as rows of the index; -1 stays -1."""
        return np.asarray(self.index_row[rows])


def load_branch(folder: Path) -> Branch:
    """The branch that was saved there."""
    branch = Stage.load(folder)
    if not isinstance(branch, Branch):
        raise BadInput(f"{folder} holds a {type(branch).__name__}, not a search branch; build the collection again")
    return branch
