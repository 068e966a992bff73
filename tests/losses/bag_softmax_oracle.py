"""`bag_softmax` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def looped(scores: torch.Tensor, bags: list[list[int]]) -> float:
    means = []
    for row, bag in zip(scores.tolist(), bags):
        whole = sum(math.exp(score) for score in row)
        if bag:
            means.append(sum(-math.log(math.exp(row[value]) / whole) for value in bag) / len(bag))
    return sum(means) / len(means) if means else 0.0


def check_bag_softmax(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    scores = torch.randn(5, 4, generator=random, dtype=torch.float64)
    for bags in ([[0], [1, 3], [], [0, 1, 2], [2]], [[], [], [], [], []], [[3], [3], [3], [3], [3]], [[], [], [1], [], []]):
        owner = torch.tensor([row for row, bag in enumerate(bags) for _ in bag], dtype=torch.int64)
        values = torch.tensor([value for bag in bags for value in bag], dtype=torch.int64)
        assert math.isclose(float(module.bag_softmax(scores, values, owner)), looped(scores, bags), abs_tol=1e-12)


CHECKS = (check_bag_softmax,)
