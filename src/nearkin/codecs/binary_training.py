"""How the head of `StackedBits` is started and trained; torch is needed here alone."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nearkin.layers.binary_head import BinaryHead
from nearkin.losses.hard_nce import compatible_nce, symmetric_hard_nce

DECAY, PUSH = 1e-3, 0.9  # weight decay and momentum of SGD
FOLLOWS = 0.99  # share of its own weights that the copy keeps which codes for the queue
SLOW = 0.6  # share of the epochs after which the rate falls to a tenth
AT_ONCE = 4096  # rows in one pass without gradients


@dataclass
class Pairs:
    """What the head learns from: unit rows of queries and items, the item of each query, and the old codes of the items, if any."""

    items: Tensor  # [n, dim]
    queries: Tensor  # [q, dim]
    own: Tensor  # int64 [q]
    old: Tensor | None  # [n, m]


def trained(pairs: Pairs, settings: Any) -> BinaryHead:
    """The head with `dim`, `loops`, `hidden`, `epochs`, `batch`, `rate`, `queue` and `seed` of the settings, in evaluation mode."""
    torch.manual_seed(settings.seed)
    head = started(BinaryHead(pairs.items.shape[1], settings.dim, settings.loops, settings.hidden), pairs, settings.seed)
    optimiser = torch.optim.SGD(head.parameters(), lr=settings.rate, momentum=PUSH, weight_decay=DECAY)
    falling = torch.optim.lr_scheduler.MultiStepLR(optimiser, [max(1, round(SLOW * settings.epochs))])
    queue = Queue(settings.queue, deepcopy(head)) if settings.queue else None
    head.train()
    for epoch in range(settings.epochs):
        for rows in _batches(len(pairs.own), settings.batch, np.random.default_rng([settings.seed, epoch])):
            loss = _loss(head, pairs, rows, queue)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if queue is not None:
                queue.push(head, pairs.items[pairs.own[rows]], pairs.own[rows])
        falling.step()
    return head.eval()


def _batches(count: int, size: int, random: np.random.Generator) -> Iterator[Tensor]:
    """All rows in random order; a last batch of one joins the one before, since a batch norm learns nothing from a single row."""
    order, starts = torch.from_numpy(random.permutation(count)), list(range(0, count, size))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], count]):
        yield order[start:end]


def _loss(head: BinaryHead, pairs: Pairs, rows: Tensor, queue: Queue | None) -> Tensor:
    """Queries and items go through the head together, so that both see the same batch statistics."""
    own = pairs.own[rows]
    left, right = head(torch.cat([pairs.queries[rows], pairs.items[own]])).tensor_split(2)
    if pairs.old is not None:
        return compatible_nce(left, right, pairs.old[own], own)
    return symmetric_hard_nce(left, right, own) if queue is None else symmetric_hard_nce(left, right, own, **queue.negatives())


@dataclass
class Queue:
    """Codes of the items of the last batches as further negatives, by a copy of the head that follows it slowly (MoCo)."""

    size: int
    copy: BinaryHead
    codes: Tensor | None = None
    own: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def negatives(self) -> dict[str, Tensor | None]:
        return {} if self.codes is None else {"more": self.codes, "more_own": self.own}

    @torch.no_grad()
    def push(self, head: BinaryHead, items: Tensor, own: Tensor) -> None:
        for kept, new in zip(self.copy.parameters(), head.parameters()):
            kept.lerp_(new, 1 - FOLLOWS)
        codes = self.copy.train()(items)
        self.codes = (codes if self.codes is None else torch.cat([codes, self.codes]))[: self.size]
        self.own = torch.cat([own, self.own])[: self.size]


@torch.no_grad()
def started(head: BinaryHead, pairs: Pairs, seed: int) -> BinaryHead:
    """The head set to the linear code that it then improves: each `mlp` is a linear map, as relu(x) - relu(-x) = x.

    W and R_i start as one rotation of the leading directions of the items, B_i as its transpose; with old codes, as the ridge
    regressions between vectors and codes. From torch's own start 16,000 pairs do not reach what no training gives (docs/log.md).
    """
    random = torch.Generator().manual_seed(seed)
    there, back = _directions(pairs.items, head.first[-1].out_features, random) if pairs.old is None else _regressed(pairs.items, pairs.old)
    for part in [head.first, *head.rest]:
        _aim(part, there, random)
    for part in head.back:
        _aim(part, back, random)
    head.train()
    for start in range(0, len(pairs.items), AT_ONCE):  # batch norms learn the spread of what they see
        if len(pairs.items) - start > 1:
            head(pairs.items[start : start + AT_ONCE])
    return head


def _directions(items: Tensor, bits: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random rotation of the min(bits, dim) leading directions, as often as there are bits to fill: [bits, dim] and back."""
    leading = torch.linalg.eigh(items.T.double() @ items.double())[1].flip(1).T.float()[:bits]
    turns = [_rotation(len(leading), random) @ leading for _ in range(-(-bits // len(leading)))]
    there = torch.cat(turns)[:bits]
    return there, there.T


def _regressed(items: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
    """The linear maps from vectors to old codes and from old codes to vectors with the least squared error."""

    def ridge(x: Tensor, y: Tensor) -> Tensor:
        x, y = x.double(), y.double()
        square = x.T @ x
        return torch.linalg.solve(square + 1e-3 * square.diagonal().mean() * torch.eye(len(square)), x.T @ y).T.float()

    return ridge(items, old), ridge(old, items)


def _rotation(size: int, random: torch.Generator) -> Tensor:
    return torch.linalg.qr(torch.randn(size, size, generator=random))[0]


def _aim(part: nn.Sequential, wanted: Tensor, random: torch.Generator) -> None:
    """Let an mlp compute `wanted` [out, dim] (nearly, where hidden < 2 dim), up to the scales of its batch norm."""
    into, out = part[0], part[-1]
    half = into.weight.shape[0] // 2
    basis = torch.cat([_rotation(wanted.shape[1], random) for _ in range(-(-half // wanted.shape[1]))])[:half]
    through = wanted @ torch.linalg.pinv(basis)
    through = through / through.norm(dim=1, keepdim=True).clamp_min(1e-9)
    for weight, value in ((into.weight[:half], basis), (into.weight[half : 2 * half], -basis)):
        weight.copy_(value)
    out.weight.zero_()
    out.weight[:, :half], out.weight[:, half : 2 * half] = through, -through
    into.bias.zero_(), out.bias.zero_()


def folded(head: BinaryHead) -> list[np.ndarray]:
    """Four arrays an mlp (first, then back and rest of each loop): both linear layers, the batch norm taken into the first."""
    arrays = []
    for part in [head.first, *(each for pair in zip(head.back, head.rest) for each in pair)]:
        into, norm, _, out = part
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        first = (into.weight * scale[:, None], (into.bias - norm.running_mean) * scale + norm.bias)
        arrays += [each.detach().numpy().copy() for each in (*first, out.weight, out.bias)]
    return arrays
