"""`bpr` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_bpr(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    positive, negative = (torch.randn(size, generator=random, dtype=torch.float64) for size in ((5,), (5, 3)))
    losses = [-math.log(1 / (1 + math.exp(wrong - right))) for right, row in zip(positive.tolist(), negative.tolist()) for wrong in row]
    assert math.isclose(float(module.bpr(positive, negative)), sum(losses) / len(losses))


CHECKS = (check_bpr,)
