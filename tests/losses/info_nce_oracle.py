"""`info_nce` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def looped(left: torch.Tensor, right: torch.Tensor, own: list[int], temperature: float) -> float:
    total = 0.0
    for i, asked in enumerate(left):
        scores = [float(asked @ each) / float(asked.norm() * each.norm()) / temperature for each in right]
        whole = sum(math.exp(score) for j, score in enumerate(scores) if j == i or own[j] != own[i])
        total -= math.log(math.exp(scores[i]) / whole)
    return total / len(left)


def check_info_nce(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    left, right = (torch.randn(size, 4, generator=random, dtype=torch.float64) for size in (6, 9))
    own = torch.randint(0, 4, (9,), generator=random)
    for given, temperature in (({}, 0.1), ({"temperature": 0.7}, 0.7)):
        for things in (None, own):
            names = list(range(9)) if things is None else things.tolist()
            assert math.isclose(float(module.info_nce(left, right, things, **given)), looped(left, right, names, temperature))
            few = None if things is None else things[:6]
            wanted = (looped(left, right[:6], names, temperature) + looped(right[:6], left, names, temperature)) / 2
            assert math.isclose(float(module.symmetric_info_nce(left, right[:6], few, **given)), wanted)


CHECKS = (check_info_nce,)
