"""A vector for each word piece of a text, from a table: no torch, thousands of texts a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nearkin.encoders.static_words import StaticWords
from nearkin.stage import Encoder
from nearkin.tables import Catalog, RaggedVectors, unit


@dataclass(frozen=True, kw_only=True)
class PieceVectors(Encoder):
    """Text to one unit vector a word piece, in order: its row in the table of `words`, whatever stands around it.

    Catalog[n] -> RaggedVectors[n, dim], float16. A text without known pieces has no vectors. Weights of the table play no part: late
    interaction counts each piece of a query once. Cost: the tokenising; memory 2 * dim bytes a piece.
    Source: the table of `StaticWords`, looked up as late interaction does (ColBERT, Khattab and Zaharia, 2020).
    """

    words: StaticWords = field(default_factory=StaticWords)

    gives = RaggedVectors

    def __call__(self, catalog: Catalog, /) -> RaggedVectors:
        offsets, pieces = self.words.table.pieces.bags(catalog.texts(*self.words.fields))
        rows = unit(self.words.table.rows).astype(np.float16)
        return RaggedVectors(rows[pieces], offsets, catalog)
