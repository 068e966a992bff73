"""Leave out of the hits what the asker has had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.errors import BadInput
from nearkin.refiners.places import repacked
from nearkin.stage import Refiner
from nearkin.tables import Catalog, Hits


@dataclass(frozen=True, kw_only=True)
class Exclude(Refiner):
    """Hits without given items, and without those in the history of the query.

    Hits[q, k] -> Hits[q, k]; the rest move up, pads fill the end, scores stay. `ids` that the items do not have are passed over.
    Ask the index for as many more hits as may be left out. Cost: one sort of the histories.
    Refused: `seen` where the hits do not know their queries and items, or the queries have no history field.
    """

    ids: tuple[str, ...] = ()  # never a hit, for nobody
    seen: bool = True  # whether the history of the query is left out

    def __call__(self, hits: Hits) -> Hits:
        out = np.zeros(hits.rows.shape, bool)
        if self.ids:
            out |= np.isin(hits.rows, _catalogs(hits)[1].rows_of(self.ids, missing="mark")) & (hits.rows >= 0)
        if self.seen:
            out |= _had(hits)
        return repacked(hits, ~out)


def _catalogs(hits: Hits) -> tuple[Catalog, Catalog]:
    if hits.queries is None or hits.items is None:
        raise BadInput("Exclude needs hits that know their queries and items; give the index catalogues, not bare vectors")
    return hits.queries, hits.items


def _had(hits: Hits) -> np.ndarray:
    """Where a hit stands in the history of its query: bool [q, k]."""
    queries, items = _catalogs(hits)
    fields = queries.fields("history")
    if not fields:
        raise BadInput(f"Exclude(seen=True) needs a history field; the queries have {queries.roles}; set seen=False or add one")
    out = np.zeros(hits.rows.shape, bool)
    for field in fields:
        offsets, rows = queries.history_rows(items, field)
        owner = np.repeat(np.arange(len(queries)), np.diff(offsets))
        keys = np.arange(len(queries))[:, None] * (len(items) + 1) + hits.rows
        out |= np.isin(keys, owner * (len(items) + 1) + rows) & (hits.rows >= 0)
    return out
