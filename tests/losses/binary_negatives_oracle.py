"""Both losses of one item at a time as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def looped(positive: torch.Tensor, negative: torch.Tensor, power: float) -> float:
    total = 0.0
    for right, wrong in zip(positive.tolist(), negative.tolist()):
        total -= power * math.log(sigmoid(right))
        for each in wrong:
            total -= math.log(1 - sigmoid(each))
    return total / len(positive)


def check_binary_negatives(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    positive, negative = (torch.randn(size, generator=random, dtype=torch.float64) for size in ((5,), (5, 3)))
    assert math.isclose(float(module.binary_negatives(positive, negative)), looped(positive, negative, 1.0))
    for items, given in ((31, {}), (7, {"calibration": 1.0}), (50, {"calibration": 0.0})):
        share, calibration = 3 / (items - 1), given.get("calibration", 0.75)
        power = share * (calibration * (1 - 1 / share) + 1 / share)
        found = module.calibrated_negatives(positive, negative, items=items, **given)
        assert math.isclose(float(found), looped(positive, negative, power), rel_tol=1e-9)
    assert math.isclose(float(module.calibrated_negatives(positive, negative, items=9, calibration=0.0)), looped(positive, negative, 1.0))


CHECKS = (check_binary_negatives,)
