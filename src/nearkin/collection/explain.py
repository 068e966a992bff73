"""Why an answer is there: what each branch added, which words matched, and how alike the meanings are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nearkin.collection.branch import Placed
from nearkin.stage import Memo, RankFusion, ScoreFusion, Searcher, union
from nearkin.tables import Catalog, Hits

Reasons = dict[tuple[int, int], Mapping[str, Any]]


def reasons(searcher: Searcher, names: list[str], queries: Catalog, hits: Hits, keep: np.ndarray | None) -> Reasons:
    """For each (query, item row) of the hits: `parts`, what each branch added (they sum to the score), and each branch's own details.

    Cost: the search once more, and one look at each hit.
    """
    branches = searcher.branches if isinstance(searcher, ScoreFusion | RankFusion) else (searcher,)
    parts = _parts(searcher, queries, hits, keep)
    tell = [_details_of(branch, queries) for branch in branches]
    told: Reasons = {}
    for query, place in zip(*np.nonzero(hits.rows >= 0), strict=True):
        row = int(hits.rows[query, place])
        why: dict[str, Any] = {"parts": {name: float(part[query, place]) for name, part in zip(names, parts, strict=True)}}
        told[int(query), row] = why | {name: details(int(query), row) for name, details in zip(names, tell, strict=True)}
    return told


def _parts(searcher: Searcher, queries: Catalog, hits: Hits, keep: np.ndarray | None) -> np.ndarray:
    """What each branch added to each hit: [branches, q, k]; scaled over the same candidates as in the search."""
    if not isinstance(searcher, ScoreFusion | RankFusion):
        return hits.scores[None]
    memo = Memo()
    found = [memo.run(branch, queries, keep) for branch in searcher.branches]
    rows = union(found)
    parts = searcher.parts(queries, rows, memo) if isinstance(searcher, ScoreFusion) else searcher.parts(rows, found)
    place = np.stack(
        [np.searchsorted(np.where(given < 0, np.iinfo(np.int32).max, given), wanted) for given, wanted in zip(rows, hits.rows)]
    )
    return np.take_along_axis(parts, np.clip(place, 0, rows.shape[1] - 1)[None], axis=2)


def _details_of(branch: Any, queries: Catalog) -> Callable[[int, int], Any]:
    """What a branch itself says of one hit (query, row): the matched words and their weights, or the similarity."""
    assert isinstance(branch, Placed)
    vectors = branch.encoder(queries)
    explain = getattr(branch.index, "explain", None)
    terms = branch.encoder.terms if explain is not None else []  # type: ignore[attr-defined]

    def words(query: int, row: int) -> dict[str, float]:
        shares = explain(vectors.take([query]), int(branch.index_row[row]))  # type: ignore[misc]
        return {terms[column]: float(weight) for column, weight in shares}

    def likeness(query: int, row: int) -> float:
        return float(branch.index.score(vectors.take([query]), branch.index_rows(np.array([[row]])))[0, 0])

    return words if explain is not None else likeness
