"""Recommend what comes next by self-attention over what came before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.indexes.sequence_log import NextBatches
from nearkin.indexes.sequence_model import SequenceModel


@dataclass(kw_only=True)
class SasRec(SequenceModel):
    """Each item of a history foretells the one after it, through attention to those before.

    Catalog[q] with a history -> Hits[q, k]; scores, refusals and settings as in `SequenceModel`.
    Cost: an epoch takes 6 * links * items * dim operations for the softmax, which is most of it; an answer 2 * items * dim.
    Source: Kang and McAuley, ICDM 2018. Ours: full softmax of cosines for one sampled negative, normed before, a learned bias for each
    distance, and the start from co-occurrence.
    """

    heads: int = 2

    def net(self) -> Any:
        from nearkin.layers.sequence_nets import attention_net

        return attention_net(self.dim, self.heads, self.blocks, length=self.length, dropout=self.dropout, causal=True)

    def batches(self, offsets: np.ndarray, rows: np.ndarray) -> NextBatches:
        return NextBatches.of(offsets, rows, length=self.length, tokens=self.tokens, seed=self.seed)
