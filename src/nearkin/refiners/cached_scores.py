"""Scores of pairs that are worked out once and then read from disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from nearkin.errors import BadInput
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner, Stage
from nearkin.stage.cache import cache_folder
from nearkin.stage.pair_scores import pair_scores
from nearkin.tables import Catalog, Hits

TOGETHER = 64  # queries scored before their scores are written


@dataclass(frozen=True, kw_only=True, eq=False)
class CachedScores(Refiner):
    """The scores of another refiner that scores each hit by its pair alone, kept in a folder; a pair is scored once ever.

    Hits[q, k] -> Hits[q, k], as `scorer` gives them. One file a query, float32 [items], NaN where not known yet, under the folder
    NEARKIN_CACHE (else ~/.cache/nearkin); the key is the scorer with all it learned, the items and the query. Files are written every
    64 queries, so a run that was stopped goes on from there.
    Cost: reading n floats a query. Refused: a scorer that leaves hits out.
    """

    scorer: Refiner

    def __call__(self, hits: Hits) -> Hits:
        scores = np.full(hits.rows.shape, -np.inf, np.float32)
        for start in range(0, len(hits), TOGETHER):
            part = np.arange(start, min(start + TOGETHER, len(hits)))
            scores[part] = self._of(hits.take(part))
        return rescored(hits, scores)

    def _of(self, hits: Hits) -> np.ndarray:
        if hits.queries is None or hits.items is None:
            raise BadInput("scores are kept by query and items, but these hits do not know theirs; search with catalogues")
        paths = self.paths(hits.queries, hits.items)
        known = np.stack([_read(path, len(hits.items)) for path in paths])
        lines = np.arange(len(hits))[:, None]
        absent = (hits.rows >= 0) & np.isnan(known[lines, np.maximum(hits.rows, 0)])
        if absent.any():
            rows = np.where(absent, hits.rows, -1)
            found = pair_scores(self.scorer, hits.queries, hits.items, rows)
            query, place = np.nonzero(absent)
            known[query, rows[query, place]] = found[query, place]
            for row in np.flatnonzero(absent.any(1)):
                _write(paths[row], known[row])
        return np.where(hits.rows >= 0, known[lines, np.maximum(hits.rows, 0)], -np.inf)

    def paths(self, queries: Catalog, items: Catalog) -> list[Path]:
        """Where the scores of each query are, or will be."""
        folder = cache_folder() / "scores" / f"{type(self.scorer).__name__}-{_key(self._scorer_key, items.fingerprint)}"
        return [folder / f"{_key(repr(thing))}.npy" for thing in queries]

    @cached_property
    def _scorer_key(self) -> str:
        return _told(self.scorer)


def _key(*parts: str) -> str:
    return blake2b(" ".join(parts).encode(), digest_size=12).hexdigest()


def _told(value: Any) -> str:
    """A stage with all it learned, as a text that differs when anything differs."""
    if isinstance(value, Stage):
        return f"{value!r} {_told(value.state())}"
    if isinstance(value, dict):
        return str({name: _told(each) for name, each in value.items()})
    return _key(str(value.dtype), str(value.shape), value.tobytes().hex()) if isinstance(value, np.ndarray) else repr(value)


def _read(path: Path, count: int) -> np.ndarray:
    return np.load(path, allow_pickle=False) if path.exists() else np.full(count, np.nan, np.float32)


def _write(path: Path, scores: np.ndarray) -> None:
    """Beside its goal first, so that an interrupted run leaves nothing half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex[:8]}.npy")
    np.save(draft, scores)
    os.replace(draft, path)
