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
    memo = Memo()
    parts = _parts(searcher, queries, hits, keep, memo)
    tell = [_details_of(branch, queries, hits, memo) for branch in branches]
    told: Reasons = {}
    for query, place in np.argwhere(hits.rows >= 0).tolist():
        why: dict[str, Any] = {"parts": {name: float(part[query, place]) for name, part in zip(names, parts, strict=True)}}
        row = int(hits.rows[query, place])
        told[query, row] = why | {name: details(query, place) for name, details in zip(names, tell, strict=True)}
    return told


def _parts(searcher: Searcher, queries: Catalog, hits: Hits, keep: np.ndarray | None, memo: Memo) -> np.ndarray:
    """What each branch added to each hit: [branches, q, k]; scaled over the same candidates as in the search."""
    if not isinstance(searcher, ScoreFusion | RankFusion):
        return hits.scores[None]
    found = [memo.run(branch, queries, keep) for branch in searcher.branches]
    rows = union(found)
    parts = searcher.parts(queries, rows, memo) if isinstance(searcher, ScoreFusion) else searcher.parts(rows, found)
    place = np.stack(
        [np.searchsorted(np.where(given < 0, np.iinfo(np.int32).max, given), wanted) for given, wanted in zip(rows, hits.rows)]
    )
    return np.take_along_axis(parts, np.clip(place, 0, rows.shape[1] - 1)[None], axis=2)


def _details_of(branch: Any, queries: Catalog, hits: Hits, memo: Memo) -> Callable[[int, int], Any]:
    """What a branch itself says of one hit (query, place): the matched words and their weights, or the similarity."""
    assert isinstance(branch, Placed)
    explain = getattr(branch.index, "explain", None)
    if explain is None:
        likeness = branch.score_with(queries, hits.rows, memo)
        return lambda query, place: float(likeness[query, place])
    vectors = memo.run(branch.encoder, queries)
    asked = [vectors.take([query]) for query in range(len(hits))]
    rows, terms = branch.index_rows(hits.rows), branch.encoder.terms  # type: ignore[attr-defined]

    def words(query: int, place: int) -> dict[str, float]:
        return {terms[column]: float(weight) for column, weight in explain(asked[query], int(rows[query, place]))}

    return words
