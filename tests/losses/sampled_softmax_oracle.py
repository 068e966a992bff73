"""`sampled_softmax` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_sampled_softmax(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    owner = torch.randint(0, 4, (11,), generator=random)
    right, drawn = (torch.randn(size, generator=random, dtype=torch.float64) for size in ((11,), (5, 7)))
    log_counts = torch.randn(7, generator=random, dtype=torch.float64)
    wanted = [0.0] * 5
    for score, text in zip(right.tolist(), owner.tolist()):
        whole = sum(math.exp(each - count) for each, count in zip(drawn[text].tolist(), log_counts.tolist()))
        wanted[text] -= math.log(math.exp(score) / (math.exp(score) + whole))
    found = module.sampled_softmax(right, owner, drawn, log_counts)
    assert found.shape == (5,)
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def check_every_word_drawn(module: ModuleType, seed: int) -> None:
    """With all other words drawn as often as expected once, it is the softmax itself."""
    scores = torch.randn(1, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = module.sampled_softmax(scores[0, :1], torch.tensor([0]), scores[:, 1:], torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(found, -torch.log_softmax(scores, 1)[:, 0])


CHECKS = (check_sampled_softmax, check_every_word_drawn)
