"""Recommend what comes next by a recurrent network over what came before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.indexes.sequence_log import NextBatches
from nearkin.indexes.sequence_model import SequenceModel


@dataclass(kw_only=True)
class Gru4Rec(SequenceModel):
    """Each item of a history foretells the one after it, through a gated recurrent unit.

    Catalog[q] with a history -> Hits[q, k]; scores, refusals and settings as in `SequenceModel`. Cost: as `SasRec`.
    Source: Hidasi et al., ICLR 2016. Ours: full softmax of cosines for pairwise losses over the batch's items, whole histories for
    parallel sessions, and the start from co-occurrence.
    """

    def net(self) -> Any:
        from nearkin.layers.sequence_nets import gru_net

        return gru_net(self.dim, self.blocks, dropout=self.dropout)

    def batches(self, offsets: np.ndarray, rows: np.ndarray) -> NextBatches:
        return NextBatches.of(offsets, rows, length=self.length, tokens=self.tokens, seed=self.seed)
