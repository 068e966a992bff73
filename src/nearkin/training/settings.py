"""What a training run is told, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from nearkin.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Training:
    """How `train` goes about it: AdamW, a linear warm-up, then a linear decay to 0 over all epochs.

    With bfloat16 products where `half`; None takes them where the processor has instructions for them (elsewhere they are slower).
    """

    epochs: int = 10
    lr: float = 1e-3
    weight_decay: float = 0.01  # of matrices and tables; vectors (norms, offsets) have none
    warmup: int = 100  # steps
    accumulate: int = 1  # batches a step
    clip: float = 0.0  # the longest gradient a step may have; 0: any
    half: bool | None = None
    patience: int = 0  # epochs without a better validation before it stops; 0: all epochs
    checkpoint_every: int = 500  # steps; besides, at the end of each epoch
    log_every: int = 50  # steps
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.lr <= 0 or self.accumulate < 1 or self.checkpoint_every < 1 or self.log_every < 1:
            raise BadInput(f"epochs, lr, accumulate, checkpoint_every and log_every must be above 0: {self}")


class Batches(Protocol):
    """What `train` asks of data: which rows make each batch of an epoch, and the tensors of a batch.

    Both depend on their arguments alone, so a run that was cut short goes on at the very batch where it stood.
    """

    def cut(self, epoch: int, /) -> Sequence[np.ndarray]:
        """The rows of each batch of this epoch, in the order in which they are learned from."""

    def make(self, rows: np.ndarray, random: np.random.Generator, /) -> Any:
        """The tensors of a batch (a tensor, or tuples, named tuples and dicts of them); masks and negatives are drawn from `random`."""


@dataclass
class Trained:
    """What a run came to: mean loss an epoch, the validation after each, the epoch whose weights were kept (from 0), steps, seconds."""

    losses: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    best_epoch: int = -1
    steps: int = 0
    seconds: float = 0.0
