"""Why an answer is there: what each branch added, which words matched, and how alike the meanings are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nearkin.collection.branch import Placed
from nearkin.stage import Memo, ScoreFusion, Searcher, union
from nearkin.tables import Catalog, Hits

Reasons = dict[tuple[int, int], Mapping[str, Any]]


def reasons(searcher: Searcher, names: list[str], queries: Catalog, hits: Hits, keep: np.ndarray | None) -> Reasons:
    """For each (query, item row) of the hits: `parts`, what each branch added (they sum to the score), and each branch's own details.

    Cost: the search once more, and one look at each hit.
    """
    branches = searcher.branches if isinstance(searcher, ScoreFusion) else (searcher,)
    parts = _parts(searcher, queries, hits, keep)
    memo = Memo()
    told: Reasons = {}
    for query, place in zip(*np.nonzero(hits.rows >= 0), strict=True):
        row = int(hits.rows[query, place])
        why: dict[str, Any] = {"parts": {name: float(part[query, place]) for name, part in zip(names, parts, strict=True)}}
        for name, branch in zip(names, branches, strict=True):
            why[name] = _details(branch, queries, int(query), row, memo)
        told[int(query), row] = why
    return told


def _parts(searcher: Searcher, queries: Catalog, hits: Hits, keep: np.ndarray | None) -> np.ndarray:
    """What each branch added to each hit: [branches, q, k]; scaled over the same candidates as in the search."""
    if not isinstance(searcher, ScoreFusion):
        return hits.scores[None]
    memo = Memo()
    rows = union([memo.run(branch, queries, keep) for branch in searcher.branches])
    parts = searcher.parts(queries, rows, memo)
    place = np.stack(
        [np.searchsorted(np.where(given < 0, np.iinfo(np.int32).max, given), wanted) for given, wanted in zip(rows, hits.rows)]
    )
    return np.take_along_axis(parts, np.clip(place, 0, rows.shape[1] - 1)[None], axis=2)


def _details(branch: Any, queries: Catalog, query: int, row: int, memo: Memo) -> Any:
    """What a branch itself says of one hit: the matched words and their weights, or the similarity."""
    assert isinstance(branch, Placed)
    index_row = branch.index_rows(np.array([[row]]))
    vectors = memo.run(branch.encoder, queries)
    explain = getattr(branch.index, "explain", None)
    if explain is not None:
        terms = branch.encoder.terms  # type: ignore[attr-defined]
        return {terms[column]: float(weight) for column, weight in explain(vectors.take([query]), int(index_row[0, 0]))}
    return float(branch.index.score(vectors.take([query]), index_row)[0, 0])
