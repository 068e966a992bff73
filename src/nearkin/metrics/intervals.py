"""How sure a difference is: bootstrap intervals, Fisher's randomisation test, Holm's correction for several tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError

_BLOCK = 2_000_000  # drawn numbers held at a time


class Interval(NamedTuple):
    """Both ends of an interval."""

    low: float
    high: float


def paired_bootstrap(
    ours: Float[np.ndarray, " n"],
    rival: Float[np.ndarray, " n"],
    *,
    our_sizes: Float[np.ndarray, " n"] | None = None,
    rival_sizes: Float[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    rounds: int = 5000,
    seed: int = 0,
) -> Interval:
    """Interval of the difference ours - rival when the units (queries, users) are drawn again with replacement.

    Two float arrays [n], unit by unit -> the middle `level` of `rounds` draws of figure(ours) - figure(rival), both on the same
    draw. A figure is the mean, or sum(values) / sum(sizes) where sizes are given (F1 over pairs). Cost: rounds * n draws.
    Refused: lengths that differ, no unit. Source: Efron's percentile bootstrap, paired over units as Sakai (2006) does.
    """
    arrays = [ours, rival, _sizes(ours, our_sizes), _sizes(rival, rival_sizes)]
    if not len(ours) or len({len(each) for each in arrays}) != 1:
        raise ShapeError(f"expected two arrays of one length above 0, unit by unit, got {[len(each) for each in arrays]}")
    differences = [_figure(arrays[0], arrays[2], draw) - _figure(arrays[1], arrays[3], draw) for draw in _draws(len(ours), rounds, seed)]
    low, high = np.quantile(np.concatenate(differences), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def randomisation_test(ours: Float[np.ndarray, " n"], rival: Float[np.ndarray, " n"], *, rounds: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value that two systems differ only by chance: the labels of each unit are swapped at random.

    p = (1 + number of rounds with |mean difference| at least the one seen) / (1 + rounds). Cost: rounds * n draws.
    Source: Fisher's randomisation test; Smucker, Allan and Carterette, CIKM 2007.
    """
    difference = np.asarray(ours, float) - np.asarray(rival, float)
    seen = abs(difference.sum()) - 1e-12  # the slack forgives rounding, so that a swap of nothing counts as equal
    random, extreme = np.random.default_rng(seed), 0
    for count in _blocks(len(difference), rounds):
        signs = random.integers(0, 2, (count, len(difference)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= seen).sum())
    return (1 + extreme) / (1 + rounds)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for having made several tests: the i-th smallest of m times (m - i + 1), never falling, at most 1.

    Source: Holm, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values, float)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return corrected.tolist()


def _figure(values: Float[np.ndarray, " n"], sizes: Float[np.ndarray, " n"], draw: Int[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
    whole = sizes[draw].sum(1)
    return values[draw].sum(1) / np.where(whole > 0, whole, 1)


def _sizes(values: np.ndarray, sizes: np.ndarray | None) -> Float[np.ndarray, " n"]:
    return np.ones(len(values)) if sizes is None else np.asarray(sizes, float)


def _draws(units: int, rounds: int, seed: int) -> Iterator[Int[np.ndarray, "r n"]]:
    random = np.random.default_rng(seed)
    for count in _blocks(units, rounds):
        yield random.integers(0, units, (count, units), dtype=np.int32)


def _blocks(units: int, rounds: int) -> Iterator[int]:
    """Rounds in portions that fit in memory."""
    size = max(1, _BLOCK // max(units, 1))
    yield from (min(size, rounds - start) for start in range(0, rounds, size))
