"""The losses of `metric_learning` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_weighted_hinge(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    near, far = (torch.rand(*shape, generator=random, dtype=torch.float64) for shape in ((8,), (8, 5)))
    for given, margin in (({}, 0.5), ({"margin": 0.2}, 0.2)):
        total = 0.0
        for right, wrong in zip(near.tolist(), far.tolist()):
            inside = [each for each in wrong if margin + right - each > 0]
            total += math.log(1 + 40 * len(inside) / 5) * max(0.0, margin + right - min(wrong))
        assert math.isclose(float(module.weighted_hinge(near, far, items=40, **given)), total / 8)
    even = module.weighted_hinge(torch.tensor([1.0]), torch.tensor([[1.5, 1.25]]), items=2, margin=0.5)  # the first only touches
    assert math.isclose(float(even), math.log(2) * 0.25, rel_tol=1e-6)


def check_covariance(module: ModuleType, seed: int) -> None:
    rows = torch.randn(9, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    values = rows.tolist()
    means = [sum(row[axis] for row in values) / 9 for axis in range(4)]
    total = 0.0
    for a in range(4):
        for b in range(4):
            if a != b:
                total += (sum((row[a] - means[a]) * (row[b] - means[b]) for row in values) / 9) ** 2
    assert math.isclose(float(module.covariance(rows)), total)


def check_sampled_purchases(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    bought, passed = (torch.randn(size, generator=random, dtype=torch.float64) for size in (6, 9))
    rates = [torch.rand(size, generator=random, dtype=torch.float64) + 0.1 for size in (6, 9)]
    total = 0.0
    for logit, rate in zip(bought.tolist(), rates[0].tolist()):
        total -= math.log(1 / (1 + math.exp(-logit) * rate))
    for logit, rate in zip(passed.tolist(), rates[1].tolist()):
        total -= math.log(1 - 1 / (1 + math.exp(-logit) * rate))
    assert math.isclose(float(module.sampled_purchases(bought, passed, *rates)), total / 6)


CHECKS = (check_weighted_hinge, check_covariance, check_sampled_purchases)
