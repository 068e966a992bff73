"""The map of a collection as a table that embedding-atlas opens: a thing a row, with its place and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from nearkin.collection.answers import title_of
from nearkin.collection.collection import Collection
from nearkin.collection.texts import searchable
from nearkin.errors import BadInput
from nearkin.stage import Searcher, with_k
from nearkin.tables import Vectors

NEIGHBOURS = 15
BLOCK = 4096  # things asked for at once
NEAR = pa.struct({"ids": pa.list_(pa.int64()), "distances": pa.list_(pa.float64())})


def atlas_table(collection: Collection) -> tuple[pa.Table, Mapping[str, str]]:
    """The fields of each thing, its title, place and neighbours; and the names that the last four have there, by what they hold.

    Neighbours are {"ids": rows of this table, counted from 0, "distances": float}, the thing itself first at distance 0, as many for
    each; where fewer are found, -1 and the greatest distance fill up. distance = max(0, own likeness - likeness), which for vectors of
    length 1 is 1 - cosine. A name that a field has already gets a _ in front.
    Refused: a collection whose map was not drawn.
    Source: the command of embedding-atlas 0.26, whose --x, --y and --neighbors these are.
    """
    layout = collection.layout
    if layout is None:
        raise BadInput(f"the map of {collection.place} was not drawn yet; draw it with: nearkin layout {collection.place}")
    table, names = collection.catalog.to_arrow(), {}
    columns = {"x": layout.places[:, 0], "y": layout.places[:, 1], "neighbors": _neighbours(collection)}
    for name, column in ({"title": _titles(collection)} | columns).items():
        if name == "title" and name in table.column_names:
            names[name] = name
            continue
        names[name] = _free(name, table.column_names)
        table = table.append_column(names[name], pa.array(column))
    return table, names


def _titles(collection: Collection) -> list[str]:
    texts, own = collection.catalog.fields("text"), collection.catalog.id_field
    return [title_of(thing, thing[own], texts) for thing in collection.catalog]


def _neighbours(collection: Collection) -> pa.Array:
    """Of each thing, itself and the others nearest to it by meaning."""
    search, catalog = _dense(collection), collection.catalog
    count = min(NEIGHBOURS + 1, len(catalog))
    rows, distances = [np.zeros((0, count), np.int64)], [np.zeros((0, count), np.float64)]
    for start in range(0, len(catalog), BLOCK):
        part = np.arange(start, min(start + BLOCK, len(catalog)))
        texts = searchable(catalog.take(part))
        hits = with_k(search, count)(texts)
        own = search.score(texts, part[:, None]).astype(np.float64)
        far = np.where(hits.rows >= 0, np.maximum(own - hits.scores, 0), -1)
        for_pads = far.max(1, keepdims=True, initial=0)
        apart = np.where(hits.rows == part[:, None], -1.0, np.where(hits.rows >= 0, far, for_pads))
        found, apart = _itself_first(hits.rows.astype(np.int64), apart, part)
        rows.append(found)
        distances.append(apart)
    offsets = np.arange(0, count * len(catalog) + 1, max(count, 1), dtype=np.int32)[: len(catalog) + 1]
    lists = [pa.ListArray.from_arrays(offsets, np.concatenate(each).ravel()) for each in (rows, distances)]
    return pa.StructArray.from_arrays(lists, fields=list(NEAR))


def _itself_first(rows: np.ndarray, distances: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each thing in front of its line at distance 0, in place of where it stood, or of the last where it was not found."""
    there = rows == own[:, None]
    there[~there.any(1), -1] = True
    others, apart = rows[~there].reshape(len(rows), -1), distances[~there].reshape(len(rows), -1)
    return np.column_stack([own, others]), np.column_stack([np.zeros(len(own)), apart])


def _dense(collection: Collection) -> Searcher:
    for name in collection.manifest.search:
        stage = collection.stage(name)
        if stage.encoder.gives is Vectors:  # type: ignore[attr-defined]
            return stage
    raise BadInput("neighbours need a search stage of dense vectors; build the collection with one, such as the default `meaning`")


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name
