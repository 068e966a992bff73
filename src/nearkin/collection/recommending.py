"""The recommender of a collection: fitted on its links, answering over its present things."""

from __future__ import annotations

from typing import Any

import numpy as np

from nearkin.collection.answers import Answers
from nearkin.stage import Searcher
from nearkin.tables import Catalog, Links, best


def fit_recommender(catalog: Catalog, links: Links) -> Any:
    """Placeholder until the blend is there."""
    from nearkin.indexes.blend import Blend

    return Blend().fit(links)


def recommended(recommender: Searcher, histories: Catalog, catalog: Catalog, k: int, keep: np.ndarray | None, *, explain: bool) -> Answers:
    """Hits of the recommender as rows of the present catalogue."""
    hits = recommender(histories, keep=keep)
    return Answers(best(hits.scores, k, rows=hits.rows, queries=histories, items=catalog))
