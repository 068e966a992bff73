"""What people did so far, as rows of items: the form in which every recommender here reads its queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links

BLOCK_NUMBERS = 3_000_000  # scores held at once, 12 MB of float32: people x items never is in memory, and a block stays in the cache


@dataclass(frozen=True)
class Histories:
    """Person i did `rows[offsets[i]:offsets[i + 1]]`; `ages`: how many steps ago, 0 for the latest.

    offsets: int64 [q + 1]; rows: int32 [m]; ages: int64 [m]; ids: who they are, Arrow strings [q], for models that know people.
    """

    offsets: np.ndarray
    rows: np.ndarray
    ages: np.ndarray
    ids: pa.StringArray | None = None

    @classmethod
    def of(cls, people: Catalog, items: Catalog) -> Histories:
        """The one history field of a catalogue as rows of `items`; what `items` does not know is left out and takes no step."""
        fields = people.fields("history")
        if len(fields) != 1:
            raise BadInput(
                f"expected one field with the role history, got {fields or 'none'} among {list(people.roles)}; "
                "make such a catalogue with Catalog.histories(...) or Links.histories()"
            )
        return replace(cls.made(*people.history_rows(items, fields[0])), ids=people.ids)

    @classmethod
    def made(cls, offsets: np.ndarray, rows: np.ndarray) -> Histories:
        """From offsets and rows, oldest first."""
        ages = np.repeat(offsets[1:], np.diff(offsets)) - 1 - np.arange(len(rows))
        return cls(offsets, rows, ages)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> np.ndarray:
        """The person of each row: int64 [m]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def weights(self, decay: float) -> np.ndarray:
        """decay^age of each row: float32 [m]."""
        return np.power(decay, self.ages).astype(np.float32)

    def part(self, start: int, stop: int) -> Histories:
        """The people from `start` to before `stop`."""
        low, high = self.offsets[start], self.offsets[stop]
        ids = None if self.ids is None else self.ids.slice(start, stop - start)
        return Histories(self.offsets[start : stop + 1] - low, self.rows[low:high], self.ages[low:high], ids)

    def single(self) -> Histories:
        """Each row as a history of its own that keeps its age: what a model linear in the history explains itself with."""
        return Histories(np.arange(len(self.rows) + 1), self.rows, self.ages)

    def batches(self, items: int) -> Iterator[tuple[int, int, Histories]]:
        """Parts small enough that their scores over this many items stay within `BLOCK_NUMBERS`."""
        size = max(1, BLOCK_NUMBERS // max(1, items))
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield start, stop, self.part(start, stop)


def moved(new: Catalog, old: Catalog) -> np.ndarray:
    """Where each thing of `old` stands in `new`, by id: int32 [len(old)], -1 where it is gone."""
    return new.rows_of(old.ids, missing="mark")


def in_rows_of(new: Catalog, old: Catalog, values: np.ndarray) -> np.ndarray:
    """What each thing of `old` has, in the rows of `new` by id: float32 [len(new), ...], 0 for things that are new."""
    places = moved(new, old)
    found = np.zeros((len(new), *values.shape[1:]), np.float32)
    found[places[places >= 0]] = values[places >= 0]
    return found


def known_counts(interactions: Links) -> np.ndarray:
    """How many links lead to each item: int64 [n]."""
    return np.bincount(interactions.right_rows, minlength=len(interactions.right))
