"""Each loss against its loops: the checks of every file of losses, one file of oracles each; shared with the mutation tests."""

from __future__ import annotations

from importlib import import_module

NAMES = (
    "alignment", "bag_softmax", "batch_contrastive", "binary_negatives", "bpr", "catalogue_softmax", "corrected_softmax", "hard_nce",
    "info_nce", "masked_token", "metric_learning", "multi_task", "sampled_softmax", "triplet",
)  # fmt: skip
CHECKS = {name: import_module(f"tests.losses.{name}_oracle").CHECKS for name in NAMES}
