"""A collection at one version: its things, and the branches that find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from nearkin.collection.branch import Branch, Placed
from nearkin.tables import Catalog

DEPTH = 100  # hits asked of each branch before they are fused


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

    @cached_property
    def placed(self) -> dict[str, Placed]:
        """Each branch, answering with rows of this catalogue."""
        return {name: Placed.of(branch, self.catalog, self.seqs, DEPTH) for name, branch in self.branches.items()}

    def rows_of_seqs(self, seqs: np.ndarray) -> np.ndarray:
        """Numbers of things to rows; numbers not in this state are left out."""
        return np.flatnonzero(np.isin(self.seqs, seqs))
