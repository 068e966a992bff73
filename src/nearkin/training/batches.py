"""Sequences of items as packed arrays, and batches of nearly one length cut from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL = 64  # batches whose sequences are sorted by length together: enough for little padding, few enough to stay random


def windows(offsets: np.ndarray, longest: int, *, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Starts and stops of pieces of at most `longest` + 1 that share one end, so that each place but the first is foretold once.

    offsets: int64 [q + 1] -> int64 [w] each. Pieces are cut from the end; sequences and pieces shorter than `least` are left out.
    """
    lengths = np.diff(offsets)
    pieces = np.maximum(1, -(-(lengths - 1) // longest))
    owner = np.repeat(np.arange(len(lengths)), pieces)
    from_end = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    stops = offsets[1:][owner] - from_end * longest
    starts = np.maximum(offsets[:-1][owner], stops - longest - 1)
    kept = stops - starts >= least
    return starts[kept], stops[kept]


def cut_by_length(lengths: np.ndarray, tokens: int, random: np.random.Generator) -> list[np.ndarray]:
    """Rows in random batches of about `tokens` tokens, of sequences nearly equally long: int64 [w] -> list of int64 [b].

    Shuffled rows are sorted by length within pools of `POOL` batches and cut by their running sum; the batches are then shuffled.
    """
    order = random.permutation(len(lengths))
    pool = np.cumsum(lengths[order]) // (tokens * POOL)
    order = order[np.lexsort((lengths[order], pool))]
    ends = np.cumsum(lengths[order])
    batch = (ends - lengths[order] // 2) // tokens
    found = np.split(order, np.flatnonzero(np.diff(batch)) + 1) if len(order) else []
    return [found[place] for place in random.permutation(len(found))]


def gathered(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The places start, start + 1, ... of several runs after one another: int64 [sum of lengths]."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def cut_evenly(count: int, size: int, random: np.random.Generator) -> Sequence[np.ndarray]:
    """All rows in random batches of `size`, the last one smaller: for data without a length."""
    order = random.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]
