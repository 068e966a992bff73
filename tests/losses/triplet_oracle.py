"""`triplet` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_triplet(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    anchor, right, wrong = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((8, 3), (8, 3), (8, 4, 3)))
    for given, margin in (({}, 1.0), ({"margin": 2.5}, 2.5)):
        total = 0.0
        for a, p, row in zip(anchor.tolist(), right.tolist(), wrong.tolist()):
            nearest = min(math.dist(a, each) ** 2 for each in row)
            total += max(0.0, margin + math.dist(a, p) ** 2 - nearest)
        assert math.isclose(float(module.triplet(anchor, right, wrong, **given)), total / 8)


CHECKS = (check_triplet,)
