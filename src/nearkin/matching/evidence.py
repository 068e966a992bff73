"""The features of candidate pairs, from what is known of both tables."""

from __future__ import annotations

import numpy as np

from nearkin.matchers import pair_features as pf
from nearkin.matchers.candidates import Candidates
from nearkin.matchers.profile import numbers
from nearkin.matching.describe import Described, grams
from nearkin.matching.words import rarity, tf_idf

# What a feature adds to the first score, a mean of cosines, before anything is learned.
CODE, SHORT_NUMBERS, YEAR, NUMBER = 0.10, 0.10, 0.05, 0.05

Named = dict[str, tuple[np.ndarray, float]]  # values float [m], and the weight in the first score


def evidence(seen: Described, pairs: Candidates) -> pf.PairFeatures:
    """Absolute evidence a pair, and the three likenesses whose rivals count. Cost: about 0.1 ms a pair on product data."""
    weights = rarity(*seen.head_words)
    left_words, right_words = (tf_idf(side, weights) for side in seen.head_words)
    likeness = {
        "all text": pf.cosines(*seen.full_grams, pairs),
        "name": pf.cosines(*seen.head_grams, pairs),
        "words of the name": pf.cosines(left_words, right_words, pairs),
    }
    fixed = _column_evidence(seen, pairs) | _record_evidence(seen, pairs)
    return pf.PairFeatures(
        pairs=pairs,
        fixed=np.stack([values for values, _ in fixed.values()], 1).astype(np.float64),
        fixed_names=tuple(fixed),
        start=np.array([start for _, start in fixed.values()]),
        likeness=np.stack(list(likeness.values()), 1).astype(np.float64),
        likeness_names=tuple(likeness),
    )


def _column_evidence(seen: Described, pairs: Candidates) -> Named:
    found: Named = {}
    for a, b in seen.columns:
        if a.kind == "text":
            found[f"column {a.name}"] = pf.cosines(*grams((a.values, b.values)), pairs), 0.0
            found[f"column {a.name} is empty"] = 1.0 - pf.both_filled(a.values, b.values, pairs), 0.0
        elif a.kind == "number":
            found[f"column {a.name}"] = pf.nearness(numbers(a), numbers(b), pairs), NUMBER
    return found


def _record_evidence(seen: Described, pairs: Candidates) -> Named:
    short = [[pf.short_numbers_in(text) for text in side] for side in seen.head]
    return {
        "years": (pf.set_agreement(*_years(seen), pairs), YEAR),
        "model numbers": (pf.code_agreement(*seen.full, pairs), CODE),
        "short numbers": (pf.set_overlap(*short, pairs), SHORT_NUMBERS),
    }


def _years(seen: Described) -> list[list[frozenset[str]]]:
    """The years of each row whatever the column: a birth date needs no partner column to be compared."""
    counts = len(seen.left), len(seen.right)
    columns = [[column.values for column in side if column.kind == "year"] for side in seen.profiles]
    return [pf.years_in(values, count) for values, count in zip(columns, counts, strict=True)]
