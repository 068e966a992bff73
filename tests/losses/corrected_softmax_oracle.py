"""`corrected_softmax` again as plain loops."""

from __future__ import annotations

import math
from types import ModuleType

import torch


def check_corrected_softmax(module: ModuleType, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    positive, negative = (torch.randn(size, generator=random, dtype=torch.float64) for size in ((6,), (6, 8)))
    right, drawn = (torch.randint(0, 5, (size,), generator=random) for size in (6, 8))
    log_q, log_q_right = (torch.randn(size, generator=random, dtype=torch.float64) for size in (8, 6))
    for given in (None, log_q_right):
        total = 0.0
        for i in range(6):
            own = math.exp(float(positive[i]) - (0.0 if given is None else float(given[i])))
            whole = own
            for s in range(8):
                if int(drawn[s]) != int(right[i]):
                    whole += math.exp(float(negative[i, s]) - float(log_q[s]))
            total -= math.log(own / whole)
        found = module.corrected_softmax(positive, negative, right, drawn, log_q, log_q_right=given)
        torch.testing.assert_close(found, torch.tensor(total / 6, dtype=torch.float64))


def check_all_drawn_is_the_softmax(module: ModuleType, seed: int) -> None:
    """Every item drawn with chance 1, the right one passed over: the softmax over all items."""
    scores = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    right, drawn = torch.tensor([0, 3, 3, 5]), torch.arange(6)
    found = module.corrected_softmax(scores[torch.arange(4), right], scores, right, drawn, torch.zeros(6, dtype=torch.float64))
    torch.testing.assert_close(found, torch.nn.functional.cross_entropy(scores, right))


CHECKS = (check_corrected_softmax, check_all_drawn_is_the_softmax)
