"""Kinds of queries, so that a figure over all does not hide what holds for some: by how many words they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nearkin.evaluation import Report, Scores

SLICES = ("one word", "two or three words", "four words or more")
LEAST = 5  # queries of a slice, below which its intervals say nothing


def slice_of(query: str) -> str:
    """The kind of a query."""
    words = len(query.split())
    return SLICES[0] if words <= 1 else SLICES[1] if words <= 3 else SLICES[2]


def sliced(report: Report, texts: Sequence[str]) -> Iterator[tuple[str, Report]]:
    """Each kind with a report of its queries alone; none where all are of one kind. texts: of the report's queries, in their order."""
    kinds = np.array([slice_of(text) for text in texts])
    for name in SLICES if len(set(kinds.tolist())) > 1 else ():
        there = kinds == name
        if np.count_nonzero(there) >= LEAST:
            yield name, _only(report, there)


def _only(report: Report, there: np.ndarray) -> Report:
    values = {
        system: {metric: Scores(scores.values[there], scores.sizes[there]) for metric, scores in found.items()}
        for system, found in report.values.items()
    }
    return replace(report, values=values, rows=())
