"""What speaks for and against two rows being the same thing, in numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numba import njit

from nearkin.matchers.candidates import Candidates
from nearkin.matchers.logistic import Logistic
from nearkin.plain_text import plain
from nearkin.tables import SparseVectors

_DIGIT = re.compile(r"\d")
_YEAR_IN = re.compile(r"(?<!\d)(1[0-9]\d\d|20\d\d)(?!\d)")
_YEARLY = re.compile(r"(1[89]|20)\d\d$")
CODE = 4  # signs from which on a token with a digit is taken for a model number
LONG_CODE = 5  # signs from which on it may also be found squeezed inside the other record


@dataclass(frozen=True, kw_only=True)
class PairFeatures:
    """Numbers about each candidate pair: `fixed` float32 [m, f], named; the cosines whose rivals matter are `likeness` [m, r].

    The relative features (likeness minus the best rival's, for the left and for the right row) are made from `likeness` whenever
    candidates were struck out, by `table`.
    """

    pairs: Candidates
    fixed: np.ndarray
    fixed_names: tuple[str, ...]
    likeness: np.ndarray
    likeness_names: tuple[str, ...]
    start: np.ndarray  # float64 [f]: what each fixed feature adds to the first score, before anything is learned

    def first_scorer(self) -> Logistic:
        """The mean of the likenesses plus the fixed features by `start`: a fair order to begin with, no probability."""
        shares = np.full(len(self.likeness_names), 1 / len(self.likeness_names))
        weights = np.r_[self.start, shares, np.zeros(2 * len(self.likeness_names))]
        return Logistic(weights, 0.0, np.zeros(len(weights)), np.ones(len(weights)))

    @property
    def names(self) -> tuple[str, ...]:
        sides = [f"{name}, ahead of {side} rivals" for name in self.likeness_names for side in ("its left", "its right")]
        return self.fixed_names + self.likeness_names + tuple(sides)

    def table(self, there: np.ndarray | None = None) -> np.ndarray:
        """All features, float64 [m, f + 3 r]; rows where `there` is false compete with nobody."""
        there = np.ones(len(self.pairs), bool) if there is None else there
        lead = [margins(self.pairs, column, there) for column in self.likeness.T]
        return np.hstack([self.fixed, self.likeness, *lead])


def margins(pairs: Candidates, scores: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Score minus the best other score of the same right row, and of the same left row: float64 [m, 2]; a rival counts 0 or more."""
    by_right = scores - _best_other(pairs.right_rows, pairs.right_count, scores, there)
    by_left = scores - _best_other(pairs.left_rows, pairs.left_count, scores, there)
    return np.stack([by_right, by_left], 1)


@njit(cache=True)
def _best_other(rows, count, scores, there):  # type: ignore[no-untyped-def]
    first, second = np.zeros(count), np.zeros(count)
    holder = np.full(count, -1)
    for pair in range(len(rows)):
        row, score = rows[pair], scores[pair]
        if there[pair] and score > first[row]:
            second[row], first[row], holder[row] = first[row], score, pair
        elif there[pair] and score > second[row]:
            second[row] = score
    other = np.zeros(len(rows))
    for pair in range(len(rows)):
        other[pair] = second[rows[pair]] if holder[rows[pair]] == pair else first[rows[pair]]
    return other


def cosines(left: SparseVectors, right: SparseVectors, pairs: Candidates) -> np.ndarray:
    """Dot product of the two rows of each pair: float32 [m]. Cost: the sum of both rows' lengths a pair."""
    return _dots(left.offsets, left.columns, left.values, right.offsets, right.columns, right.values, pairs.left_rows, pairs.right_rows)


@njit(cache=True)
def _dots(left_offsets, left_columns, left_values, right_offsets, right_columns, right_values, left_rows, right_rows):  # type: ignore[no-untyped-def]
    dots = np.zeros(len(left_rows), np.float32)
    for pair in range(len(left_rows)):
        a, a_end = left_offsets[left_rows[pair]], left_offsets[left_rows[pair] + 1]
        b, b_end = right_offsets[right_rows[pair]], right_offsets[right_rows[pair] + 1]
        while a < a_end and b < b_end:
            if left_columns[a] == right_columns[b]:
                dots[pair] += left_values[a] * right_values[b]
            if left_columns[a] <= right_columns[b]:
                a += 1
            else:
                b += 1
    return dots


def both_filled(left: list[str], right: list[str], pairs: Candidates) -> np.ndarray:
    """Whether both rows have a value: bool [m]."""
    filled = [np.array([bool(value.strip()) for value in side], bool) for side in (left, right)]
    return filled[0][pairs.left_rows] & filled[1][pairs.right_rows]


def nearness(left: np.ndarray, right: np.ndarray, pairs: Candidates) -> np.ndarray:
    """.5 - |a - b| / max(|a|, |b|) of two numbers, at least -.5; 0 where one is missing (0): float64 [m]."""
    a, b = left[pairs.left_rows], right[pairs.right_rows]
    largest = np.maximum(np.abs(a), np.abs(b))
    close = 0.5 - np.abs(a - b) / np.where(largest > 0, largest, 1)
    return np.where((a != 0) & (b != 0), np.maximum(close, -0.5), 0.0)


def years_in(columns: list[list[str]], count: int) -> list[frozenset[str]]:
    """The four-digit years of each record over its year columns."""
    return [frozenset(_YEAR_IN.findall(" ".join(values[row] for values in columns))) for row in range(count)]


def codes_in(text: str) -> frozenset[str]:
    """Tokens that look like model numbers: a digit, `CODE` signs or more once hyphens and slashes are out, no year."""
    tokens = (re.sub(r"[^a-z0-9]", "", token) for token in text.lower().split() if _DIGIT.search(token))  # few words have a digit
    return frozenset(token for token in tokens if len(token) >= CODE and _DIGIT.search(token) and not _YEARLY.match(token))


def squeezed(text: str) -> str:
    """The letters and digits of a text alone, so that "PS-LX350H" is found in "PSLX350H"."""
    return re.sub(r"[^a-z0-9]", "", plain(text))


def short_numbers_in(text: str) -> frozenset[str]:
    """Numbers of one to three digits, versions and parts: "7", "2.0"."""
    return frozenset(token.strip(".") for token in plain(text).split() if re.fullmatch(r"\d{1,3}(\.\d{1,2})?\.?", token))


def set_agreement(left: list[frozenset[str]], right: list[frozenset[str]], pairs: Candidates) -> np.ndarray:
    """1 where the two sets meet, -1 where both are filled and do not, 0 where one is empty: float64 [m]."""
    return np.array([_agreement(left[a], right[b]) for a, b in zip(pairs.left_rows, pairs.right_rows, strict=True)], float)


def _agreement(a: frozenset[str], b: frozenset[str]) -> int:
    return 0 if not (a and b) else 1 if a & b else -1


def set_overlap(left: list[frozenset[str]], right: list[frozenset[str]], pairs: Candidates) -> np.ndarray:
    """Jaccard of the two sets, less .5; 0 where both are empty: float64 [m]."""
    return np.array([_overlap(left[a], right[b]) for a, b in zip(pairs.left_rows, pairs.right_rows, strict=True)], float)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) - 0.5 if a or b else 0.0


def code_agreement(left: list[str], right: list[str], pairs: Candidates) -> np.ndarray:
    """As `set_agreement` over model numbers, and 1 also where a long one stands squeezed inside the other record."""
    a, b = [[codes_in(text) for text in side] for side in (left, right)]
    agreement = set_agreement(a, b, pairs)
    inside = [[squeezed(text) for text in side] for side in (left, right)]
    for place in np.flatnonzero(agreement < 1):
        row, other = pairs.left_rows[place], pairs.right_rows[place]
        if _within(a[row], inside[1][other]) or _within(b[other], inside[0][row]):
            agreement[place] = 1
    return agreement


def _within(codes: frozenset[str], text: str) -> bool:
    return any(len(code) >= LONG_CODE and code in text for code in codes)
