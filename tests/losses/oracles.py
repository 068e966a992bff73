"""Each loss against its loops: the checks of every file of losses, one file of oracles each; shared with the mutation tests."""

from __future__ import annotations

from tests.losses import batch_contrastive_oracle, hard_nce_oracle, sampled_softmax_oracle

CHECKS = {
    "batch_contrastive": batch_contrastive_oracle.CHECKS,
    "hard_nce": hard_nce_oracle.CHECKS,
    "sampled_softmax": sampled_softmax_oracle.CHECKS,
}
