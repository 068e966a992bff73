"""Sums of losses as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_multi_task(module: ModuleType, seed: int) -> None:
    losses, weights = torch.rand(2, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3
    plain = unsure = 0.0
    for loss, weight in zip(losses.tolist(), weights.tolist()):
        plain += weight * loss
        unsure += loss / math.exp(weight) + weight / 2
    assert math.isclose(float(module.weighted_sum(losses, weights)), plain)
    assert math.isclose(float(module.uncertainty_sum(losses, weights)), unsure)


CHECKS = (check_multi_task,)
