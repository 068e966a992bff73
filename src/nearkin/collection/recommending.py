"""The recommender of a collection: fitted on its links, answering over its present things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nearkin.collection.answers import Answers
from nearkin.collection.branch import among
from nearkin.collection.explain import Reasons
from nearkin.collection.snapshot import Snapshot
from nearkin.collection.texts import searchable
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Hits, Links
from nearkin.tables.pieces import moved_rows

if TYPE_CHECKING:
    from nearkin.indexes.following import Following
    from nearkin.indexes.from_history import BlockRecommender

REASONS = 3  # history items named in an explanation


def fit_recommender(catalog: Catalog, links: Links | None, encoder: Encoder) -> BlockRecommender:
    """The default blend of what people did and what things are; by content alone where there are no links.

    Links between things (edges) are read as one session a thing: itself, then what it points to.
    """
    from nearkin.indexes.blend import Blend
    from nearkin.indexes.content_profile import ContentProfile

    items, none = searchable(catalog), np.empty(0, np.int32)
    if links is None:
        return ContentProfile(encoder=encoder).fit(Links(items, items, none, none))
    return Blend.usual(encoder).fit(behaviour(catalog, links))


def behaviour(catalog: Catalog, links: Links) -> Links:
    """What people did with the things of this catalogue; edges as sessions."""
    left, right = _sessions(links) if links.left is catalog else (links.left_rows, links.right_rows)
    return Links(links.left, searchable(catalog), left, right)


def _sessions(edges: Links) -> tuple[np.ndarray, np.ndarray]:
    """Edges as sessions: each thing that points anywhere, followed by what it points to."""
    starts = np.unique(edges.left_rows)
    left, right = np.concatenate([starts, edges.left_rows]), np.concatenate([starts, edges.right_rows])
    order = np.argsort(left, kind="stable")
    return left[order], right[order]


def followed(held: Following, before: Snapshot, now: Snapshot) -> Following:
    """The recommender of one state for a later one."""
    old = among(before.seqs, now.seqs)
    moved = moved_rows(len(old), np.flatnonzero(~old))
    fresh = searchable(now.catalog.take(np.flatnonzero(~among(now.seqs, before.seqs))))
    return held.followed(now.catalog, moved, fresh, lambda: searchable(now.catalog))


def recommended(model: BlockRecommender, histories: Catalog, things: Catalog, k: int, keep: np.ndarray | None, *, explain: bool) -> Answers:
    """The k best of these things for each history, and which of its things spoke for each."""
    from nearkin.stage import with_k

    found = with_k(model, k)(histories, keep=keep)
    hits = Hits(found.rows, found.scores, histories, things)  # the model knows of the things only what it reads
    return Answers(hits, because_of(model, histories, hits) if explain else {})


def because_of(model: BlockRecommender, histories: Catalog, hits: Hits) -> Reasons:
    """For each (history, item row) of the hits: `parts`, which sum to its score, and the things of the history that spoke most for it.

    history: what its things add, each alone; rest: what no thing of it adds, as how popular the item is, and where less than nothing
    of a model counts as nothing.
    """
    told: Reasons = {}
    for query, history in enumerate(histories["history"]):
        for place in np.flatnonzero(hits.rows[query] >= 0).tolist():
            row, score = int(hits.rows[query, place]), float(hits.scores[query, place])
            shares = model.explain(history or [], row)  # type: ignore[attr-defined]
            own = float(sum(share for _, share in shares))
            told[query, row] = {"parts": {"history": own, "rest": score - own}, "because of": dict(shares[:REASONS])}
    return told
