"""Characters three by three, weighted by how rare they are: similar spelling gives similar vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.plain_text import plain_all
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, SparseVectors

SYMBOLS = 64  # space, a to z, 0 to 9, the dot; letters of other scripts share the last 26
DIM = SYMBOLS**3


@dataclass(kw_only=True)
class CharGrams(Encoder):
    """Character 3-grams within words as unit TF-IDF vectors: misspelt, hyphenated and inflected words stay near.

    Catalog[n] -> SparseVectors[n, 262144], rows of length 1 (0 for an empty text). A word is read with a space before and after;
    value = (1 + ln count) * (1 + ln((1 + n) / (1 + df))). No vocabulary is kept: a gram is its own column number.
    Cost: linear in the characters; texts are cut to `most` characters.
    `fit` takes all the catalogues that will be compared, since document frequencies must come from them together.
    """

    takes = Catalog
    gives = SparseVectors

    fields: tuple[str, ...] = ()  # all text fields when empty
    most: int = 4000  # characters read of each text
    weights_: np.ndarray | None = learned()  # float32[dim], inverse document frequencies

    def fit(self, *catalogs: Catalog) -> Self:
        if not catalogs:
            raise BadInput("CharGrams.fit needs at least one catalogue, got none; give it all tables that will be compared")
        frequency, size = np.zeros(DIM), 0
        for catalog in catalogs:
            _, columns, _ = counted(catalog.texts(*self.fields), self.most)
            frequency += np.bincount(columns, minlength=DIM)
            size += len(catalog)
        self.weights_ = (1 + np.log((1 + size) / (1 + frequency))).astype(np.float32)
        return self

    def __call__(self, catalog: Catalog) -> SparseVectors:
        offsets, columns, counts = counted(catalog.texts(*self.fields), self.most)
        values = (1 + np.log(counts)) * fitted(self).weights_[columns]
        return SparseVectors(offsets, columns, unit_values(values, offsets), DIM, catalog)


def counted(texts: list[str], most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The 3-grams of each text: int64 offsets [n + 1], rising int32 columns and counts [nnz]."""
    joined = [f"  {text[:most].replace(' ', '  ')}  " for text in plain_all(texts)]
    symbols = _symbols("".join(joined))
    owner = np.repeat(np.arange(len(joined)), [len(text) for text in joined])
    grams = (symbols[:-2] * SYMBOLS + symbols[1:-1]) * SYMBOLS + symbols[2:]
    keep = (symbols[1:-1] > 0) & (owner[:-2] == owner[2:])  # a gram has a letter in its middle
    keys, counts = np.unique(owner[:-2][keep] * DIM + grams[keep], return_counts=True)
    offsets = np.searchsorted(keys, np.arange(len(texts) + 1) * DIM)
    return offsets, (keys % DIM).astype(np.int32), counts


def _symbols(text: str) -> np.ndarray:
    """Each sign of a plain text as a number below `SYMBOLS`: int64 [characters]."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
    return np.where(codes < 128, _ASCII[np.minimum(codes, 127)], 38 + codes % 26)


_ASCII = np.zeros(128, np.int64)
_ASCII[ord("a") : ord("z") + 1] = np.arange(1, 27)
_ASCII[ord("0") : ord("9") + 1] = np.arange(27, 37)
_ASCII[ord(".")] = 37


def unit_values(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Values scaled so that each row of a CSR matrix has length 1; empty rows stay empty."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    length = np.sqrt(np.bincount(owner, values.astype(np.float64) ** 2, minlength=len(offsets) - 1))
    return (values / length[owner]).astype(np.float32)
