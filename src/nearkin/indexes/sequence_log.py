"""A log of interactions made ready for a sequence model: what is refused, what is left out, and batches of what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from nearkin.errors import BadInput, listed
from nearkin.tables import Links
from nearkin.training.batches import cut_by_length, gathered, windows


class Batch(NamedTuple):
    """Tensors of some sequences, one after another: what is read, and what is to be foretold where.

    items: int64 [m]; lengths: int64 [b]; hidden: bool [m] or None, tokens not shown; asking: int64 [p] or None (all tokens), the tokens
    whose state is asked; targets: int64 [p].
    """

    items: Any
    lengths: Any
    hidden: Any
    asking: Any
    targets: Any


@dataclass(frozen=True)
class NextBatches:
    """Each item of a sequence foretells the one after it (`training.Batches` of `Batch`).

    rows: int64 [m], histories one after another; starts, lengths: int64 [w], the windows learned from; tokens: a batch has about so many.
    """

    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    tokens: int
    seed: int

    @classmethod
    def of(cls, offsets: np.ndarray, rows: np.ndarray, *, length: int, tokens: int, seed: int) -> Self:
        """Histories longer than `length` + 1 are cut from the end, so that each item but the first is foretold once."""
        starts, stops = windows(offsets, length)
        return cls(rows.astype(np.int64), starts, stops - starts, tokens, seed)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_by_length(self.lengths - 1, self.tokens, np.random.default_rng([self.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Batch:
        import torch

        lengths = self.lengths[rows] - 1
        places = gathered(self.starts[rows], lengths)
        return Batch(
            *(torch.from_numpy(each) for each in (self.rows[places], lengths)), None, None, torch.from_numpy(self.rows[places + 1])
        )


def checked_log(interactions: Links) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and item rows of each person, oldest first.

    Refused: negative weights (a dislike is no next item), times that fall within a person's links, and a log in which nobody has two
    links. Times are an order and nothing more: one in the future is as good as another. Weights do not count otherwise.
    """
    if (interactions.weight < 0).any():
        people = np.unique(interactions.left_rows[interactions.weight < 0])
        raise BadInput(f"a negative weight is no choice to learn from, and {_named(interactions, people)}; leave such links out first")
    if interactions.time is not None:
        order = np.argsort(interactions.left_rows, kind="stable")
        owner, time = interactions.left_rows[order], interactions.time[order]
        back = (np.diff(time) < 0) & (np.diff(owner) == 0)
        if back.any():
            people = np.unique(owner[1:][back])
            raise BadInput(f"links must be in order of time, as Links.interactions puts them; {_named(interactions, people)} that go back")
    offsets, rows = interactions.by_left()
    if np.diff(offsets).max(initial=0) < 2:
        raise BadInput("a sequence model needs at least one person with two links; this log has none")
    return offsets, rows


def _named(links: Links, people: np.ndarray) -> str:
    return f"{len(people)} people have such links: {listed(links.left.ids[int(row)].as_py() for row in people)}"
