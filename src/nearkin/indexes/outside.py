"""What indexes inside a store of another process have in common: the store's entries, and which of them each row is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.indexes.checks import check_dim, check_table, joined_things
from nearkin.indexes.held_keys import HeldKeys
from nearkin.stage import Index, fitted, learned
from nearkin.tables import Catalog, Vectors


@dataclass(kw_only=True)
class OutsideIndex(Index):
    """Vectors under keys in a table outside, of which each `fit` makes a new one; here, the key of each row and whether it was removed.

    What is saved is the address, the table's name, and the keys.
    """

    address: str
    table: str  # how the names of its tables begin
    k: int = 10
    table_: str | None = learned()
    before_: str | None = learned(optional=True)  # the table of the fit before
    dim_: int | None = learned()
    held_: HeldKeys | None = learned()
    things_: Catalog | None = learned(optional=True)

    @abstractmethod
    def _send(self, rows: np.ndarray) -> np.ndarray:
        """Put what the table does not hold yet there; the keys of all these rows, int64 [n]."""

    def _begin(self, table: str, items: Vectors, keys: np.ndarray) -> Self:
        """Stand for these items, which are in a new table under these keys."""
        self.table_, self.before_ = table, self.table_
        self.dim_, self.held_, self.things_ = items.dim, HeldKeys.of(keys), items.things
        return self

    def add(self, items: Vectors) -> Self:
        other = copy(fitted(self))
        check_table(self, items, Vectors)
        check_dim(self, self.dim_, items.dim)
        other.things_ = joined_things(self, self.things_, items.things)
        other.held_ = self.held_.followed_by(self._send(items.rows))
        return other

    def remove(self, rows: np.ndarray) -> Self:
        other = copy(fitted(self))
        other.held_ = self.held_.without(rows)
        return other

    def __len__(self) -> int:
        """Rows, those of removed items among them."""
        return len(fitted(self).held_)

    def _asked(self, queries: Vectors) -> np.ndarray:
        check_table(self, queries, Vectors)
        check_dim(self, fitted(self).dim_, queries.dim)
        return np.ascontiguousarray(queries.rows, np.float32)

    def state(self) -> dict[str, Any]:
        rest = {name: getattr(self, name) for name in ("table_", "before_", "dim_", "things_")}
        held = self.held_
        return {**rest, "keys_": None if held is None else held.keys, "gone_": None if held is None else held.gone}

    def restore(self, state: Mapping[str, Any]) -> None:
        rest = {name: value for name, value in state.items() if name not in ("keys_", "gone_")}
        held = None if state["keys_"] is None else HeldKeys(state["keys_"], state["gone_"])
        super().restore({**rest, "held_": held})
