"""Whole words of two tables as sparse vectors over one vocabulary."""

from __future__ import annotations

import numpy as np

from nearkin.plain_text import plain_all
from nearkin.tables import SparseVectors


def word_counts(left: list[str], right: list[str]) -> tuple[SparseVectors, SparseVectors]:
    """How often each word stands in each text; columns are the words of both sides, sorted."""
    tokens = [text.split() for text in plain_all(left + right)]
    flat = np.array([word for words in tokens for word in words] or ["x"])
    _, column = np.unique(flat, return_inverse=True)
    dim = int(column.max()) + 1
    owner = np.repeat(np.arange(len(tokens)), [len(words) for words in tokens])
    key, count = np.unique(owner * dim + column[: len(owner)], return_counts=True)
    offsets = np.searchsorted(key, np.arange(len(tokens) + 1) * dim)
    both = SparseVectors(offsets, key % dim, count, dim)
    return both.take(np.arange(len(left))), both.take(np.arange(len(left), len(tokens)))


def rarity(left: SparseVectors, right: SparseVectors) -> np.ndarray:
    """1 + ln((1 + n) / (1 + df)) of each column over both tables: float32 [dim]."""
    frequency = np.bincount(left.columns, minlength=left.dim) + np.bincount(right.columns, minlength=left.dim)
    return (1 + np.log((1 + len(left) + len(right)) / (1 + frequency))).astype(np.float32)


def tf_idf(counts: SparseVectors, weights: np.ndarray) -> SparseVectors:
    """(1 + ln count) * rarity, rows of length 1."""
    values = (1 + np.log(counts.values)) * weights[counts.columns]
    owner = np.repeat(np.arange(len(counts)), np.diff(counts.offsets))
    length = np.sqrt(np.bincount(owner, values.astype(float) ** 2, minlength=len(counts)))
    return SparseVectors(counts.offsets, counts.columns, values / length[owner], counts.dim)
