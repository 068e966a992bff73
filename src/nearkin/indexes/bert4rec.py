"""Recommend what comes next by guessing hidden items from both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.sequence_log import Batch
from nearkin.indexes.sequence_model import SequenceModel
from nearkin.training.batches import cut_by_length, gathered, windows


@dataclass(kw_only=True)
class Bert4Rec(SequenceModel):
    """Some items of a history are hidden and guessed from those around them; asked, it guesses one put after the last.

    Catalog[q] with a history -> Hits[q, k]; scores, refusals and settings as in `SequenceModel`.
    Each item is hidden with chance `hidden`; a share `only_last` of the sequences hides the last item alone, which is what is asked later.
    Cost: as `SasRec`, but only hidden positions are foretold, so an epoch is faster and more of them are needed.
    Source: Sun et al., CIKM 2019, with a softmax over all items as there. Ours: cosines, and the start from co-occurrence.
    """

    heads: int = 2
    hidden: float = 0.3
    only_last: float = 0.3
    epochs: int = 15

    two_sided: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.hidden < 1 or not 0 <= self.only_last <= 1 or self.length < 2:
            raise BadInput(f"expected 0 < hidden < 1, 0 <= only_last <= 1, length >= 2: {self}")

    def net(self) -> Any:
        from nearkin.layers.sequence_nets import attention_net

        return attention_net(self.dim, self.heads, self.blocks, length=self.length, dropout=self.dropout, causal=False)

    def batches(self, offsets: np.ndarray, rows: np.ndarray) -> HiddenBatches:
        starts, stops = windows(offsets, self.length - 1)
        chances = (self.hidden, self.only_last)
        return HiddenBatches(rows.astype(np.int64), starts, stops - starts, *chances, self.tokens, self.seed)


@dataclass(frozen=True)
class HiddenBatches:
    """Sequences with some tokens hidden, anew in each epoch (`training.Batches` of `Batch`); at least one token a sequence is.

    rows: int64 [m], histories one after another; starts, lengths: int64 [w], the windows learned from.
    """

    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    hidden: float
    only_last: float
    tokens: int
    seed: int

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_by_length(self.lengths, self.tokens, np.random.default_rng([self.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Batch:
        import torch

        lengths = self.lengths[rows]
        items = self.rows[gathered(self.starts[rows], lengths)]
        hidden = self._drawn(lengths, random)
        places = np.flatnonzero(hidden)
        return Batch(*(torch.from_numpy(each) for each in (items, lengths, hidden, places, items[places])))

    def _drawn(self, lengths: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Which tokens are hidden: bool [m]."""
        ends = np.cumsum(lengths)
        alone = random.random(len(lengths)) < self.only_last
        hidden = (random.random(int(ends[-1])) < self.hidden) & ~np.repeat(alone, lengths)
        counts = np.add.reduceat(hidden, ends - lengths, dtype=np.int64)
        one = np.where(alone, ends - 1, ends - 1 - random.integers(0, lengths))
        hidden[one[counts == 0]] = True
        return hidden
