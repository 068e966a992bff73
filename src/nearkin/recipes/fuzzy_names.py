"""The baseline that libraries use today: fuzzy string similarity of a reading and every entry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.errors import Missing
from nearkin.stage import Stage
from nearkin.tables import Catalog, Hits


@dataclass(frozen=True, kw_only=True)
class Fuzzy(Stage):
    """The entry with the highest fuzzy string similarity: Catalog -> Hits[q, 1]. Cost: q * n string comparisons (rapidfuzz)."""

    items: Catalog
    fields: tuple[str, ...] = ("title", "author")
    token_set: bool = False  # of the words as sets; else of the strings as they stand

    takes = Catalog
    gives = Hits

    def __call__(self, queries: Catalog) -> Hits:
        try:
            from rapidfuzz import fuzz, process
            from rapidfuzz.utils import default_process
        except ImportError as error:
            raise Missing("rapidfuzz", "match") from error
        scorer = fuzz.token_set_ratio if self.token_set else fuzz.ratio
        texts = [[default_process(text) for text in side] for side in (queries.texts("ocr"), self.items.texts(*self.fields))]
        rows = np.empty((len(queries), 1), np.int32)
        scores = np.empty((len(queries), 1), np.float32)
        for row, text in enumerate(texts[0]):
            given = process.cdist([text], texts[1], scorer=scorer)[0]
            rows[row], scores[row] = given.argmax(), given.max()
        return Hits(rows, scores, queries, self.items)
