"""`hard_nce` again as plain loops, and what it must refuse to count."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def looped(asked, answers, own, hardest=5, temperature=0.05, more=(), more_own=()) -> float:
    """The loss, one pair of rows at a time."""
    total, right, things = 0.0, [*answers, *more], [*own, *more_own]
    for i, query in enumerate(asked):
        cosine = [float(torch.dot(query, answer) / (query.norm() * answer.norm())) / temperature for answer in right]
        others = sorted((c for j, c in enumerate(cosine) if things[j] != things[i]), reverse=True)[:hardest]
        total -= math.log(math.exp(cosine[i]) / (math.exp(cosine[i]) + sum(math.exp(c) for c in others)))
    return total / len(asked)


def near(ours: torch.Tensor, oracle: float) -> None:
    assert abs(float(ours) - oracle) < 1e-9 * max(1, abs(oracle)), (float(ours), oracle)


def made(seed: int, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 6, generator=random, dtype=torch.float64), torch.randint(0, 7, (rows,), generator=random)


def check_hard_nce(module: ModuleType, seed: int) -> None:
    (left, own), (right, _), (old, _), (more, more_own) = made(seed, 11), made(seed + 1, 11), made(seed + 2, 11), made(seed + 3, 5)
    near(module.hard_nce(left, right, own), looped(left, right, own))
    near(module.symmetric_hard_nce(left, right, own), looped(left, right, own) + looped(right, left, own))
    both = looped(left, right, own) + looped(right, left, own) + looped(left, old, own)
    near(module.compatible_nce(left, right, old, own), both)
    for hardest, temperature in ((2, 0.3), (20, 1.0)):
        given = {"hardest": hardest, "temperature": temperature}
        queue = {"more": more, "more_own": more_own}
        near(module.hard_nce(left, right, own, **given, **queue), looped(left, right, own, **given, **queue))
        there, back = looped(left, right, own, **given, **queue), looped(right, left, own, **given)
        near(module.symmetric_hard_nce(left, right, own, **given, **queue), there + back)
        near(module.compatible_nce(left, right, old, own, **given), looped(right, left, own, **given) + looped(left, right, own, **given)
             + looped(left, old, own, **given))  # fmt: skip


def check_that_a_thing_is_no_negative_of_itself(module: ModuleType, seed: int) -> None:
    (left, _), (right, _) = made(seed, 8), made(seed + 1, 8)
    near(module.hard_nce(left, right, torch.zeros(8, dtype=torch.int64)), 0.0)
    left.requires_grad_(True)
    module.hard_nce(left, right, torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])).backward()
    assert torch.isfinite(left.grad).all()
    assert left.grad.abs().sum() > 0


def check_that_old_codes_get_no_gradient(module: ModuleType, seed: int) -> None:
    (left, own), (right, _), (old, _) = made(seed, 6), made(seed + 1, 6), made(seed + 2, 6)
    for table in (left, right, old):
        table.requires_grad_(True)
    module.compatible_nce(left, right, old, own).backward()
    assert old.grad is None
    assert left.grad is not None


CHECKS = (check_hard_nce, check_that_a_thing_is_no_negative_of_itself, check_that_old_codes_get_no_gradient)
