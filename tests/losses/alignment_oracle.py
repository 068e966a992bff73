"""`contrastive_alignment` and `generative_alignment` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(one @ other) / float(one.norm() * other.norm())


def check_contrastive(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    nodes, texts = (torch.randn(size, 4, generator=random, dtype=torch.float64) for size in (5, 8))
    own = torch.randint(0, 8, (5,), generator=random)
    for given, temperature in (({}, 0.2), ({"temperature": 0.7}, 0.7)):
        total = 0.0
        for node, place in zip(nodes, own.tolist()):
            whole = sum(math.exp(cosine(node, text) / temperature) for text in texts)
            total -= math.log(math.exp(cosine(node, texts[place]) / temperature) / whole)
        assert math.isclose(float(module.contrastive_alignment(nodes, texts, own, **given)), total / 5)


def check_generative(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    decoded, texts = (torch.randn(6, 4, generator=random, dtype=torch.float64) for _ in range(2))
    same = torch.randint(0, 4, (6,), generator=random)
    for given, temperature in (({}, 0.5), ({"temperature": 0.3}, 0.3)):
        total = 0.0
        for i in range(6):
            others = [j for j in range(6) if j == i or same[j] != same[i]]
            whole = sum(math.exp(cosine(decoded[i], texts[j]) / temperature) for j in others)
            total -= math.log(math.exp(cosine(decoded[i], texts[i]) / temperature) / whole)
        assert math.isclose(float(module.generative_alignment(decoded, texts, same, **given)), total / 6)


CHECKS = (check_contrastive, check_generative)
