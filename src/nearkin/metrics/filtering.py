"""What a cut does to lists of hits: how much of the good is kept, and which queries are left with nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int8

from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Hits, Links

UNJUDGED = -1


def grades(hits: Hits, judgements: Links) -> Int8[np.ndarray, "q k"]:
    """What is known of each hit: 1 relevant (a grade above 0), 0 judged and not relevant, -1 not judged; pads are -1.

    Queries and items are met by id, so the judgements may hold more of both; of a pair judged twice the first counts.
    Cost: one look-up a hit.
    Refused: hits that do not know their catalogues.
    """
    if hits.queries is None or hits.items is None:
        raise BadInput("the hits do not know their queries and items; search with catalogues to meet judgements")
    query = hits.queries.rows_of(judgements.left.ids, missing="mark")[judgements.left_rows]
    item = hits.items.rows_of(judgements.right.ids, missing="mark")[judgements.right_rows]
    known = (query >= 0) & (item >= 0)
    keys = query[known].astype(np.int64) * len(hits.items) + item[known]
    asked = np.arange(len(hits), dtype=np.int64)[:, None] * len(hits.items) + hits.rows
    place = np.asarray(pc.index_in(pa.array(asked.ravel()), value_set=pa.array(keys)).fill_null(-1)).reshape(asked.shape)
    told = np.append(judgements.weight[known] > 0, UNJUDGED).astype(np.int8)
    return np.where(hits.rows >= 0, told[place], UNJUDGED).astype(np.int8)


def kept_share(relevant: Bool[np.ndarray, "q k"], kept: Bool[np.ndarray, "q k"]) -> Float[np.ndarray, " q"]:
    """The share of a query's relevant hits that a cut keeps: float64 [q]; 1 for a query that had none. Refused: other shapes."""
    _check(relevant, kept)
    whole = relevant.sum(1)
    return np.where(whole > 0, (relevant & kept).sum(1) / np.maximum(whole, 1), 1.0)


def wrong_share(relevant: Bool[np.ndarray, "q k"], kept: Bool[np.ndarray, "q k"]) -> Float[np.ndarray, " q"]:
    """The share of what a query is shown that is not relevant: float64 [q]; 0 for an empty list. Refused: other shapes."""
    _check(relevant, kept)
    shown = kept.sum(1)
    return (kept & ~relevant).sum(1) / np.maximum(shown, 1)


def empty(kept: Bool[np.ndarray, "q k"]) -> Bool[np.ndarray, " q"]:
    """Queries that are shown nothing."""
    return ~kept.any(1)


def lost_all(relevant: Bool[np.ndarray, "q k"], kept: Bool[np.ndarray, "q k"]) -> Bool[np.ndarray, " q"]:
    """Queries that had something relevant and keep none of it. Refused: other shapes."""
    _check(relevant, kept)
    return relevant.any(1) & ~(relevant & kept).any(1)


def _check(relevant: np.ndarray, kept: np.ndarray) -> None:
    if relevant.shape != kept.shape:
        raise ShapeError(f"expected what is relevant and what is kept, place by place, got {list(relevant.shape)} and {list(kept.shape)}")
