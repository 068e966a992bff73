"""Whole words of two tables as sparse vectors over one vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nearkin.plain_text import plain_all
from nearkin.tables import SparseVectors


def word_counts(left: list[str], right: list[str]) -> tuple[SparseVectors, SparseVectors]:
    """How often each word stands in each text; columns are the words of both sides, sorted."""
    if left is right:
        alone, _ = word_counts(left, [])
        return alone, alone
    lengths: list[int] = []
    column, dim = _columns(plain_all(left + right), lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    key, count = np.unique(owner * dim + column, return_counts=True)
    offsets = np.searchsorted(key, np.arange(len(lengths) + 1) * dim)
    both = SparseVectors(offsets, key % dim, count, dim)
    return both.take(np.arange(len(left))), both.take(np.arange(len(left), len(lengths)))


def _columns(texts: list[str], lengths: list[int]) -> tuple[np.ndarray, int]:
    """The column of each word of all texts, and how many columns there are; `lengths` is given the words of each text.

    Words are numbered as they come, since an array of them all takes as much room for each as the longest needs.
    """

    def words() -> Iterator[str]:
        for text in texts:
            parts = text.split()
            lengths.append(len(parts))
            yield from parts

    number: dict[str, int] = {}
    found = np.fromiter((number.setdefault(word, len(number)) for word in words()), np.int64)
    rank = np.zeros(max(len(number), 1), np.int64)
    rank[[number[word] for word in sorted(number)]] = np.arange(len(number))
    return rank[found], len(rank)


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
