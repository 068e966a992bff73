"""Paths of categories taken apart, so that each level is a field of its own; what the recipes on shops share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.tables import Catalog, Data, Links


def with_levels(items: Catalog, field: str = "categories", most: int = 4) -> Catalog:
    """The items with fields "level 1" (the top) to "level `most`" from a list of categories, empty where the path is shorter.

    Without such a field the items are as they were.
    """
    if field not in items.roles:
        return items
    paths = items.column(field).combine_chunks()
    lengths = np.asarray(pc.list_value_length(paths).fill_null(0)).astype(np.int64)
    flat, ends = pc.list_flatten(paths).cast(pa.string()), np.cumsum(lengths)
    columns = {f"level {level + 1}": flat.take(pa.array(ends - lengths + level, mask=lengths <= level)) for level in range(most)}
    return items.with_fields(dict.fromkeys(columns, "category"), **columns)


def shop(data: Data) -> Links:
    """The interactions over items with the levels of their categories."""
    links = data.need("interactions").interactions
    assert links is not None
    return Links(links.left, with_levels(links.right), links.left_rows, links.right_rows, time=links.time)


def drawn_people(data: Data, count: int) -> Links:
    """The interactions of some people drawn at random (all where `count` is 0), over items with their levels."""
    links = shop(data)
    chosen = np.random.default_rng(0).permutation(len(links.left))[: count or None]
    own = np.isin(links.left_rows, chosen)
    time = None if links.time is None else links.time[own]
    people = links.left.take(np.sort(chosen))
    rows = np.searchsorted(np.sort(chosen), links.left_rows[own])
    return Links(people, links.right, rows, links.right_rows[own], time=time)
