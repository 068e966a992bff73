"""How sure a difference is: bootstrap intervals, Fisher's randomisation test, Holm's correction for several tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from nearkin.errors import ShapeError

_BLOCK = 2_000_000  # drawn numbers held at a time
_SLACK = 1e-12  # forgives rounding, so that a swap that changes nothing counts as equal


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
    values, sizes = _checked(ours, rival, our_sizes, rival_sizes)
    differences = [_figure(values[0], sizes[0], draw) - _figure(values[1], sizes[1], draw) for draw in _draws(len(ours), rounds, seed)]
    low, high = np.quantile(np.concatenate(differences), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def randomisation_test(
    ours: Float[np.ndarray, " n"],
    rival: Float[np.ndarray, " n"],
    *,
    our_sizes: Float[np.ndarray, " n"] | None = None,
    rival_sizes: Float[np.ndarray, " n"] | None = None,
    rounds: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value that two systems differ only by chance: which is which is swapped at random, unit by unit.

    p = (1 + number of rounds with |difference| at least the one seen) / (1 + rounds); figures as in `paired_bootstrap`.
    Cost: rounds * n draws. Refused: lengths that differ, no unit.
    Source: Fisher's randomisation test; Smucker, Allan and Carterette, CIKM 2007.
    """
    values, sizes = _checked(ours, rival, our_sizes, rival_sizes)
    seen = abs(_ratio(values[0].sum(), sizes[0].sum()) - _ratio(values[1].sum(), sizes[1].sum()))
    random, extreme = np.random.default_rng(seed), 0
    for count in _blocks(len(ours), rounds):
        swapped = random.integers(0, 2, (count, len(ours)), dtype=np.int8).astype(float)
        moved, moved_sizes = swapped @ (values[1] - values[0]), swapped @ (sizes[1] - sizes[0])
        first = _ratio(values[0].sum() + moved, sizes[0].sum() + moved_sizes)
        second = _ratio(values[1].sum() - moved, sizes[1].sum() - moved_sizes)
        extreme += int((np.abs(first - second) >= seen - _SLACK).sum())
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


Pair = tuple[np.ndarray, np.ndarray]


def _checked(ours: np.ndarray, rival: np.ndarray, our_sizes: np.ndarray | None, rival_sizes: np.ndarray | None) -> tuple[Pair, Pair]:
    """Values and sizes of both as float64; sizes are 1 where none are given."""
    values = (np.asarray(ours, float), np.asarray(rival, float))
    given = zip(values, (our_sizes, rival_sizes), strict=True)
    sizes = [np.ones(len(each)) if size is None else np.asarray(size, float) for each, size in given]
    if not len(ours) or len({len(each) for each in (*values, *sizes)}) != 1:
        raise ShapeError(f"expected arrays of one length above 0, unit by unit, got {[len(each) for each in (*values, *sizes)]}")
    return values, (sizes[0], sizes[1])


def _figure(values: Float[np.ndarray, " n"], sizes: Float[np.ndarray, " n"], draw: Int[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
    return _ratio(values[draw].sum(1), sizes[draw].sum(1))


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole, or part where whole is 0 (which is 0 as well, in all that is counted here)."""
    return part / np.where(whole > 0, whole, 1)


def _draws(units: int, rounds: int, seed: int) -> Iterator[Int[np.ndarray, "r n"]]:
    random = np.random.default_rng(seed)
    for count in _blocks(units, rounds):
        yield random.integers(0, units, (count, units), dtype=np.int32)


def _blocks(units: int, rounds: int) -> Iterator[int]:
    """Rounds in portions that fit in memory."""
    size = max(1, _BLOCK // max(units, 1))
    yield from (min(size, rounds - start) for start in range(0, rounds, size))
