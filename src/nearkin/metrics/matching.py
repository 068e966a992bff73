"""How well pairs were matched: precision, recall and F1 of the pairs; completeness and quality of blocking."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from nearkin.errors import BadInput
from nearkin.tables import Hits, Links


class PairCounts(NamedTuple):
    """For each left thing: pairs given and true, pairs given, pairs true."""

    right: Int[np.ndarray, " n"]
    given: Int[np.ndarray, " n"]
    true: Int[np.ndarray, " n"]


def pair_counts(given: Links, truth: Links) -> PairCounts:
    """Counts of pairs by left thing: int64 [n] each; a pair given twice counts once; only true links of weight above 0 count.

    Refused: links over catalogues of other sizes than those of the truth.
    """
    shape = (len(truth.left), len(truth.right))
    if (len(given.left), len(given.right)) != shape:
        raise BadInput(
            f"the true pairs are over {shape} things, those given over {(len(given.left), len(given.right))}; use the same tables"
        )
    said, true = _keys(given), _keys(truth.take(truth.weight > 0))
    both = np.intersect1d(said, true, assume_unique=True)
    right, many, all_true = (np.bincount(keys // max(shape[1], 1), minlength=shape[0]) for keys in (both, said, true))
    return PairCounts(right, many, all_true)


def precision(given: Links, truth: Links) -> float:
    """Share of the given pairs that are true; 0 when none was given. For blocking candidates this is the pairs quality."""
    counts = pair_counts(given, truth)
    return _ratio(counts.right.sum(), counts.given.sum())


def recall(given: Links, truth: Links) -> float:
    """Share of the true pairs that were given. For blocking candidates this is the pair completeness."""
    counts = pair_counts(given, truth)
    return _ratio(counts.right.sum(), counts.true.sum())


def f1(given: Links, truth: Links) -> float:
    """2 * right / (given + true): the harmonic mean of precision and recall."""
    counts = pair_counts(given, truth)
    return _ratio(2 * counts.right.sum(), counts.given.sum() + counts.true.sum())


def pair_completeness(candidates: Hits, truth: Links) -> float:
    """Share of the true pairs that are among the candidates of blocking."""
    return recall(candidates.to_links(), truth)


def pairs_quality(candidates: Hits, truth: Links) -> float:
    """Share of the candidates of blocking that are true pairs."""
    return precision(candidates.to_links(), truth)


def _keys(links: Links) -> Int[np.ndarray, " m"]:
    """One number a pair, rising, each once."""
    return np.unique(links.left_rows.astype(np.int64) * max(len(links.right), 1) + links.right_rows)


def _ratio(part: int | np.integer, whole: int | np.integer) -> float:
    return float(part / whole) if whole else 0.0
