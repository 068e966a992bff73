"""The contrastive loss of a batch as loops over its queries and items."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import torch


def check_batch_contrastive(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    queries, items = random.normal(size=(5, 3)), random.normal(size=(9, 3))
    right = random.random((5, 9)) < 0.3
    for settings, temperature in (({}, 1.0), ({"temperature": 0.4}, 0.4)):
        losses = []
        for i in range(5):
            own = math.exp(float(queries[i] @ items[i]) / temperature)
            total = own
            for j in range(9):
                if j != i and not right[i, j]:
                    total += math.exp(float(queries[i] @ items[j]) / temperature)
            losses.append(-math.log(own / total))
        given = [torch.from_numpy(each) for each in (queries.astype(np.float32), items.astype(np.float32), right)]
        np.testing.assert_allclose(float(module.batch_contrastive(*given, **settings)), sum(losses) / 5, rtol=1e-4)
        np.testing.assert_array_equal(given[2].numpy(), right)


CHECKS = [check_batch_contrastive]
