"""`masked_token` again as plain loops, and a batch in which nothing is hidden."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_masked_token(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    scores = torch.randn(3, 4, 5, generator=random, dtype=torch.float64)
    targets = torch.randint(0, 5, (3, 4), generator=random)
    targets[torch.rand(3, 4, generator=random) < 0.5] = -1
    for few in (targets, torch.where(torch.arange(12).reshape(3, 4) == 5, 2, -1)):
        check_losses(module, scores, few)


def check_losses(module: ModuleType, scores: torch.Tensor, targets: torch.Tensor) -> None:
    losses = []
    for row, wanted in zip(scores.tolist(), targets.tolist()):
        for place, target in zip(row, wanted):
            if target != -1:
                losses.append(math.log(sum(math.exp(each) for each in place)) - place[target])
    assert math.isclose(float(module.masked_token(scores, targets)), sum(losses) / len(losses))


def check_nothing_hidden(module: ModuleType, seed: int) -> None:
    scores = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(seed)).requires_grad_(True)
    loss = module.masked_token(scores, torch.full((2, 3), -1))
    loss.backward()
    assert loss.detach() == 0
    assert (scores.grad == 0).all()


CHECKS = (check_masked_token, check_nothing_hidden)
