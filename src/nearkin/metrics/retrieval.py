"""How good a ranking is, by trec_eval's rules: nDCG@10, R@100, AP, RR, P@k ... for each query, through ir-measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from nearkin.errors import BadInput, Missing
from nearkin.tables import Catalog, Hits, Links

_SPELT = {"Recall": "R", "MRR": "RR", "MAP": "AP", "NDCG": "nDCG", "Precision": "P"}


def per_query(
    hits: Hits, truth: Links, metrics: Sequence[str] = ("nDCG@10", "Recall@100"), *, drop_own: bool = True
) -> dict[str, Float[np.ndarray, " q"]]:
    """Each metric for each query of the hits, in their order.

    Hits[q, k], Links (queries x items, grades as weights) -> float64 [q] a metric. trec_eval semantics: a pair without judgement
    counts as grade 0, gains are linear, equal scores are put in falling order of item id, and a query without hits or without a
    relevant item scores 0. With `drop_own` a query's own copy among the items is no hit (see `own_copies`). Names as ir-measures
    has them; Recall, MRR, MAP and NDCG are understood too. Cost: one pass over hits and judgements.
    Refused: hits that do not know their catalogues, unknown metrics. Source: trec_eval 9 by ir-measures and pytrec-eval.
    """
    measures = {name: parsed(name) for name in metrics}
    judgements = _judgements(hits, truth)
    found = _run(hits, own_copies(hits.queries, hits.items) if drop_own else None)
    values = {name: np.zeros(len(hits)) for name in metrics}
    names = {measure: name for name, measure in measures.items()}
    for value in _engine().iter_calc(list(measures.values()), judgements, found) if judgements else ():
        values[names[value.measure]][int(value.query_id)] = value.value
    return values


def parsed(name: str) -> Any:
    """A metric's name as ir-measures' own object: "nDCG@10" -> nDCG@10."""
    stem, at, cut = name.partition("@")
    try:
        return _engine().parse_measure(_SPELT.get(stem, stem) + at + cut)
    except (NameError, ValueError, SyntaxError) as error:
        raise BadInput(f"no metric {name!r}; use nDCG@10, Recall@100, P@5, AP, AP@100, RR or RR@10") from error


def own_copies(queries: Catalog | None, items: Catalog | None) -> np.ndarray:
    """For each query the row of the item that is the query itself, else -1: int32 [q].

    That is an item with the query's id whose text holds the query's text (ArguAna's queries are documents). The same id alone
    does not make one: query 1 of Cranfield has nothing to do with document 1.
    """
    if queries is None or items is None:
        raise BadInput("the hits do not know their queries and items; search with catalogues to measure by judgements")
    rows = items.rows_of(queries.ids, missing="mark").copy()
    fields = [name for name in queries.fields("text") if name in items.fields("text")] or items.fields("text")
    if not queries.fields("text") or not fields:
        return np.full(len(queries), -1, np.int32)
    same = np.flatnonzero(rows >= 0)
    asked, held = queries.take(same).texts(), items.take(rows[same]).texts()
    is_copy = np.array([bool(a.strip()) and a.strip() in b for a, b in zip(asked, held, strict=True)], bool)
    rows[same[~is_copy]] = -1
    return rows


def _judgements(hits: Hits, truth: Links) -> dict[str, dict[str, int]]:
    """Grade by item's id of the hits' queries, which are named by their place among the hits."""
    if hits.queries is None or hits.items is None:
        raise BadInput("the hits do not know their queries and items; search with catalogues to measure by judgements")
    place = hits.queries.rows_of(truth.left.ids, missing="mark")[truth.left_rows]
    ids, found = truth.right.id_list, {}
    for query, item, grade in zip(place.tolist(), truth.right_rows.tolist(), truth.weight.tolist(), strict=True):
        if query >= 0:
            found.setdefault(str(query), {})[ids[item]] = int(grade)
    return found


def _run(hits: Hits, own: np.ndarray | None) -> dict[str, dict[str, float]]:
    """Score by item's id of each query that has hits."""
    ids, found = hits.items.id_list if hits.items is not None else [], {}
    for query, (rows, scores) in enumerate(zip(hits.rows.tolist(), hits.scores.tolist(), strict=True)):
        left_out = (-1, -1 if own is None else int(own[query]))
        scored = {ids[row]: score for row, score in zip(rows, scores, strict=True) if row not in left_out}
        if scored:
            found[str(query)] = scored
    return found


def _engine() -> Any:
    try:
        import ir_measures
    except ImportError as error:
        raise Missing("ir-measures", "evaluate") from error
    return ir_measures
