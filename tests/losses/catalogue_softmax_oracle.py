"""The softmax over all items as loops, and its gradients beside those that torch works out."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def made(seed: int, positions: int, items: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    states, table = (torch.randn(size, 4, generator=random, dtype=torch.float64) * 3 for size in (positions, items))
    return states, table, torch.randint(0, items, (positions,), generator=random)


def check_catalogue_softmax(module: ModuleType, seed: int) -> None:
    states, items, targets = made(seed, 7, 9)
    wanted = 0.0
    for state, target in zip(states, targets.tolist()):
        scores = [float(state @ item) for item in items]
        wanted += math.log(sum(math.exp(score) for score in scores)) - scores[target]
    torch.testing.assert_close(module.catalogue_softmax(states, items, targets), torch.tensor(wanted / 7, dtype=torch.float64))


def check_gradients(module: ModuleType, seed: int) -> None:
    """Also where one target stands twice and positions come in several portions."""
    states, items, targets = made(seed, 11, 6)
    module.ROWS = 4
    both = []
    for loss in (module.catalogue_softmax, lambda a, b, right: torch.nn.functional.cross_entropy(a @ b.T, right)):
        left, table = states.clone().requires_grad_(True), items.clone().requires_grad_(True)
        (3 * loss(left, table, targets)).backward()
        both.append((left.grad, table.grad))
    torch.testing.assert_close(*both)


def check_frozen_items(module: ModuleType, seed: int) -> None:
    """Items that need no gradient get none, and those of the states stay as they are."""
    states, items, targets = made(seed, 11, 6)
    both = []
    for learned in (True, False):
        left, table = states.clone().requires_grad_(True), items.clone().requires_grad_(learned)
        module.catalogue_softmax(left, table, targets).backward()
        both.append(left.grad)
        assert (table.grad is not None) == learned
    torch.testing.assert_close(*both)


def check_some_items_left_out(module: ModuleType, seed: int) -> None:
    """Each position without two items, one or none; the first two rows of the table may be among them, the targets are not."""
    states, items, targets = made(seed, 5, 7)
    targets = targets.clamp_min(2)
    without = torch.tensor([[0, 1], [1, -1], [-1, 0], [-1, -1], [0, -1]])
    module.ROWS = 2
    both = []
    for ours in (True, False):
        left, table = states.clone().requires_grad_(True), items.clone().requires_grad_(True)
        if ours:
            value = module.catalogue_softmax(left, table, targets, without)
        else:
            scores = [[-torch.inf if item in gone else 0 for item in range(7)] for gone in without.tolist()]
            value = torch.nn.functional.cross_entropy(left @ table.T + torch.tensor(scores), targets)
        value.backward()
        both.append((value.detach(), left.grad, table.grad))
    torch.testing.assert_close(*both)


def check_large_scores(module: ModuleType, seed: int) -> None:
    states, items, targets = made(seed, 5, 6)
    wanted = torch.nn.functional.cross_entropy(1000 * states @ items.T, targets)
    torch.testing.assert_close(module.catalogue_softmax(1000 * states, items, targets), wanted)


def check_half(module: ModuleType, seed: int) -> None:
    """Products in bfloat16: near, the gradients too, which keep the types of what they belong to."""
    states, items, targets = (each.float() if each.is_floating_point() else each for each in made(seed, 8, 10))
    left, table = (each.div(3).requires_grad_(True) for each in (states, items))
    with torch.autocast("cpu", torch.bfloat16):
        found = module.catalogue_softmax(left, table, targets)
    found.backward()
    wanted = [each.div(3).requires_grad_(True) for each in (states, items)]
    exact = torch.nn.functional.cross_entropy(wanted[0] @ wanted[1].T, targets)
    exact.backward()
    torch.testing.assert_close(found.detach(), exact.detach(), atol=0.05, rtol=0.05)
    torch.testing.assert_close([left.grad, table.grad], [each.grad for each in wanted], atol=0.01, rtol=0.05)
    assert left.grad.dtype == table.grad.dtype == torch.float32


CHECKS = (check_catalogue_softmax, check_gradients, check_frozen_items, check_some_items_left_out, check_large_scores, check_half)
