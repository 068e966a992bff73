"""Which searcher answers a question to a collection, and how deep each of its branches looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nearkin.collection.manifest import Manifest
from nearkin.collection.snapshot import Snapshot
from nearkin.errors import BadInput, listed
from nearkin.stage import Searcher, fuse, with_k
from nearkin.tables import Hits, best


def searcher_of(snapshot: Snapshot, manifest: Manifest, name: str | None = None) -> Searcher:
    """The branch of that name over the things of this snapshot, or the fusion of all: Catalog with `text` -> Hits."""
    placed = snapshot.placed
    if name is not None and name not in placed:
        raise BadInput(f"no stage {name!r} here; there are {listed(placed)}")
    if name is not None or len(placed) == 1:
        return placed[name or next(iter(placed))]
    return fuse(*placed.values(), by=manifest.by, weights=manifest.weights)  # type: ignore[arg-type]


def deep(searcher: Searcher, k: int) -> Searcher:
    """The searcher asked for k hits, and its branches for at least as many."""
    branches = getattr(searcher, "branches", None)
    if branches is None:
        return with_k(searcher, k)
    return replace(searcher, branches=tuple(with_k(branch, max(branch.k, k)) for branch in branches), k=k)  # type: ignore[type-var]


def without(hits: Hits, rows: np.ndarray, k: int) -> Hits:
    """The hits of query i less the item rows[i]."""
    others = np.where(hits.rows == rows[:, None], -1, hits.rows)
    return best(hits.scores, k, rows=others, queries=hits.queries, items=hits.items)


def checked_k(k: int) -> int:
    if k < 1:
        raise BadInput(f"k is the number of hits wanted, at least 1; got {k}")
    return k
