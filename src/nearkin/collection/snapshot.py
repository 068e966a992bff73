"""A collection at one version: its things, and the branches that find them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from nearkin.collection.branch import Branch, Placed, among
from nearkin.collection.texts import searchable
from nearkin.tables import Catalog
from nearkin.tables.pieces import moved_rows

DEPTH = 100  # hits asked of each branch before they are fused


@dataclass(frozen=True, eq=False)
class Change:
    """What happened to the things: int64 numbers of those that are gone, rising, and those that came, with their numbers."""

    gone: np.ndarray
    more: Catalog
    seqs: np.ndarray


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Never changed once made; a write makes the next one, so a reader always sees one whole state."""

    version: int
    catalog: Catalog
    seqs: np.ndarray  # int64 [n], rising: the number of each thing
    branches: Mapping[str, Branch]

    @classmethod
    def of(cls, version: int, catalog: Catalog, seqs: np.ndarray, branches: Mapping[str, Branch]) -> Self:
        """Bring the branches to this state of the catalogue."""
        return cls(version, catalog, seqs, {name: branch.moved_to(catalog, seqs) for name, branch in branches.items()})

    def changed(self, version: int, change: Change) -> Self:
        """The state after a change. Cost: what changed, and some hundred bytes a thing are copied."""
        rows = np.searchsorted(self.seqs, change.gone)
        moved = moved_rows(len(self.seqs), rows)
        catalog, texts = self.catalog.changed(rows, change.more), searchable(change.more)
        seqs = np.concatenate([np.delete(self.seqs, rows), change.seqs])
        branches = {name: branch.changed(change.gone, texts, change.seqs) for name, branch in self.branches.items()}
        after = type(self)(version, catalog, seqs, branches)
        after.__dict__["placed"] = {name: self.placed[name].changed(branch, catalog, moved) for name, branch in branches.items()}
        return after

    def as_version(self, version: int) -> Self:
        """The same things under another number: files were merged."""
        other = copy(self)
        object.__setattr__(other, "version", version)
        return other

    @cached_property
    def placed(self) -> dict[str, Placed]:
        """Each branch, answering with rows of this catalogue."""
        return {name: Placed.of(branch, self.catalog, self.seqs, DEPTH) for name, branch in self.branches.items()}

    def rows_of_seqs(self, seqs: np.ndarray) -> np.ndarray:
        """Numbers of things to rows, rising; numbers not in this state are left out."""
        seqs = np.sort(seqs)
        return np.asarray(np.searchsorted(self.seqs, seqs[among(seqs, self.seqs)]))
