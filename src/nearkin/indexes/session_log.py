"""Sessions cut before each of their items: what a model that reads a session as a whole learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from nearkin.layers.field_values import FIRST, Bags
from nearkin.training.batches import POOL, gathered


class Sessions(NamedTuple):
    """Tensors of b beginnings of sessions, packed, and of the item after each.

    items: int64 [m]; lengths, targets: int64 [b]; values: for each attribute to foretell, those of the targets, int64 [v] from 0, and
    the target that each belongs to, int64 [v].
    """

    items: Any
    lengths: Any
    targets: Any
    values: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Beginnings:
    """Every item of a session but the first is foretold from the up to `length` items before it (`training.Batches` of `Sessions`).

    rows: int64 [m], sessions one after another; starts, lengths: int64 [w], what is read; the item after it is the target.
    attributes: the fields to foretell among those of `bags`, which are by item.
    """

    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    bags: Bags
    attributes: tuple[int, ...]
    size: int
    seed: int

    @classmethod
    def of(
        cls, offsets: np.ndarray, rows: np.ndarray, bags: Bags, attributes: tuple[int, ...], *, length: int, size: int, seed: int
    ) -> Self:
        before = np.arange(len(rows)) - np.repeat(offsets[:-1], np.diff(offsets))
        targets = np.flatnonzero(before > 0)
        lengths = np.minimum(before[targets], length)
        return cls(rows.astype(np.int64), targets - lengths, lengths, bags, attributes, size, seed)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        """Random batches of `size`, each of beginnings about equally long, so that little is padding."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self.starts))
        order = order[np.lexsort((self.lengths[order], np.arange(len(order)) // (self.size * POOL)))]
        found = [order[start : start + self.size] for start in range(0, len(order), self.size)]
        return [found[place] for place in random.permutation(len(found))]

    def make(self, rows: np.ndarray, _random: np.random.Generator) -> Sessions:
        import torch

        lengths = self.lengths[rows]
        items = self.rows[gathered(self.starts[rows], lengths)]
        targets = self.rows[self.starts[rows] + lengths]
        return Sessions(*(torch.from_numpy(each) for each in (items, lengths, targets)), self._values(targets))

    def _values(self, targets: np.ndarray) -> tuple[tuple[Any, Any], ...]:
        """The known values of the targets in each attribute, and whose they are."""
        import torch

        taken, found = self.bags.take(targets), []
        thing, field = np.divmod(taken.owners, taken.fields)
        values = taken.codes - taken.nothing[field] - FIRST
        for place in self.attributes:
            own = (field == place) & (values >= 0)
            found.append((torch.from_numpy(values[own]), torch.from_numpy(thing[own])))
        return tuple(found)
