"""A vector for each token of a text: the last states of a sentence transformer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nearkin.encoders.sentence_model import SentenceModel
from nearkin.stage import Encoder
from nearkin.tables import Catalog, RaggedVectors, unit

BLOCK = 512  # texts whose states are held as float32 at once


@dataclass(frozen=True, kw_only=True)
class TokenStates(Encoder):
    """Text to one unit vector a token, in order; nothing is learned here, so `Cached` may keep what it gives.

    Catalog[n] -> RaggedVectors[n, dim], float16. The marks that the tokenizer puts around a text and the padding are left out; an empty
    text has no vectors. Texts are cut after the model's `max_tokens`. Cost: that of the model; memory 2 * dim bytes a token.
    Source: the form of late interaction of ColBERT (Khattab and Zaharia, 2020), with a model that was not trained for it.
    """

    model: SentenceModel = field(default_factory=lambda: SentenceModel(max_tokens=128))

    gives = RaggedVectors

    def __call__(self, catalog: Catalog, /) -> RaggedVectors:
        blocks, lengths = [np.zeros((0, self.model.dim), np.float16)], []
        for start in range(0, len(catalog), BLOCK):
            texts = catalog.take(np.arange(start, min(start + BLOCK, len(catalog)))).texts(*self.model.fields)
            states = self.model.token_states(texts)
            blocks.append(unit(np.concatenate(states)).astype(np.float16))
            lengths += [len(each) for each in states]
        return RaggedVectors(np.concatenate(blocks), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), catalog)
