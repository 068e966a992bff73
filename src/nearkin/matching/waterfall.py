"""What each field says for or against a pair, as bars that add up to its score."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nearkin.matchers.pair_features import PairFeatures, codes_in, short_numbers_in, years_in
from nearkin.matchers.profile import Column, text_of
from nearkin.matchers.self_training import Learned
from nearkin.matching.describe import Described

Reads = Literal["values", "model numbers", "short numbers", "years", "rivals"]
NAME = ("name", "words of the name")
_RIVALS = re.compile(r", ahead of its (left|right) rivals$")


@dataclass(frozen=True)
class Part:
    """One bar: which fields of each side it reads, and what of them; `rivals` reads how far ahead the pair is of the next best."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    reads: Reads = "values"

    def said(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[Any, Any]:
        """What the two things say here: a value, or the sorted numbers found; None where there is nothing."""
        return _said(self.reads, self.left, left), _said(self.reads, self.right, right)


@dataclass(frozen=True)
class Waterfall:
    """start + weights.sum(1) = scores: the score of a usual wrong candidate, and what each part adds to it.

    weights, scores: float64 [m, p] and [m]. Scores are log-odds where `learned`, else sums of likenesses.
    """

    parts: tuple[Part, ...]
    start: float
    weights: np.ndarray
    scores: np.ndarray
    learned: bool


def waterfall(seen: Described, features: PairFeatures, learned: Learned, places: np.ndarray) -> Waterfall:
    """The bars of the candidate pairs at these places. Cost: the features of all candidates once."""
    homes = [_home(seen, name) for name in features.names]
    parts = tuple(dict.fromkeys(homes))
    gathered = np.zeros((len(homes), len(parts)))
    gathered[np.arange(len(homes)), [parts.index(home) for home in homes]] = 1
    usual = learned.model.parts(learned.usual[None])
    gains = learned.model.parts(features.table()[places]) - usual
    start = float(usual.sum()) + learned.model.bias
    return Waterfall(parts, start, gains @ gathered, learned.scores[places], learned.taught)


def _home(seen: Described, feature: str) -> Part:
    """The bar that a feature belongs to."""
    if _RIVALS.search(feature):
        return Part("ahead of rivals", (), (), "rivals")
    for a, b in seen.columns:
        if feature in (f"column {a.name}", f"column {a.name} is empty"):
            return Part(a.name, (a.name,), (b.name,))
    if feature in NAME:
        left, right = [a for a, _ in seen.head_columns], [b for _, b in seen.head_columns]
        return _part(" + ".join(column.name for column in left), left, right, "values")
    if feature == "years":
        here, there = ([column for column in side if column.kind == "year"] for side in seen.profiles)
        return _part("years", here, there, "years")
    if feature == "short numbers":
        return Part(feature, *_names([a for a, _ in seen.head_columns], [b for _, b in seen.head_columns]), "short numbers")
    texts = _names(*([column for column in side if column.kind == "text"] for side in seen.profiles))
    return Part(feature, *texts, "model numbers" if feature == "model numbers" else "values")


def _part(name: str, left: Sequence[Column], right: Sequence[Column], reads: Reads) -> Part:
    """Named after its field where it reads only one, so that all that is said of one field is one bar."""
    if len(left) == len(right) == 1:
        return Part(left[0].name, (left[0].name,), (right[0].name,))
    return Part(name, *_names(left, right), reads)


def _names(left: Sequence[Column], right: Sequence[Column]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(column.name for column in left), tuple(column.name for column in right)


def _said(reads: Reads, fields: Sequence[str], thing: Mapping[str, Any]) -> Any:
    if reads == "values" and len(fields) == 1:
        return thing.get(fields[0])
    text = " ".join(filter(None, (text_of(thing.get(name)) for name in fields)))
    if reads == "values":
        return text or None
    found = {"model numbers": codes_in, "short numbers": short_numbers_in, "years": _years}.get(reads)
    return (sorted(found(text)) or None) if found else None


def _years(text: str) -> frozenset[str]:
    return years_in([[text]], 1)[0]
