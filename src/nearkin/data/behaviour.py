"""What people did, in order of time: users x items."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Data, Links

# Texts about users that were written by a model from their reviews, the tested ones perhaps included, are not in this list.
USER_ROLES = {"user_id": "id", "age": "number", "gender": "category", "occupation": "category", "location": "text"}
ITEM_ROLES = {
    "item_id": "id",
    "title": "text",
    "plot": "text",
    "description": "text",
    "brand": "category",
    "categories": "category",
    "genres": "category",
    "director": "category",
    "writer": "category",
    "cast": "category",
    "age_rating": "category",
    "release_year": "number",
    "imdb_rating": "number",
    "author": "text",
    "publisher": "category",
    "year": "number",
}


def sequences(folder: Path) -> Data:
    """Purchases or visits whose order alone is known: time is the position, 0 the oldest."""
    return _data(folder, order="position", weight=None)


def movielens(folder: Path) -> Data:
    """Film ratings with seconds as time and the stars as weight."""
    return _data(folder, order="timestamp", weight="rating")


def books(folder: Path) -> Data:
    """Books that readers had, in no order of time; weight: the rating from 1 to 10, or 0, as the source has it, where none was given."""
    return _data(folder, order=None, weight="rating")


def asked_rows(folder: Path) -> Data:
    """Histories kept as rows of a history and what came next: a person's first history, then what came next in each row, in their order."""
    items = _catalog(read_table(folder / "items.parquet"), ITEM_ROLES)
    found: dict[str, list[str]] = {}
    for row in read_table(folder / "eval_rows.parquet").to_pylist():
        found.setdefault(str(row["user_id"]), [str(each) for each in row["history"]]).append(str(row["target_item_id"]))
    people = [person for person, chosen in found.items() for _ in chosen]
    chosen = [item for each in found.values() for item in each]
    time = np.concatenate([np.arange(len(each)) for each in found.values()])
    links = Links.interactions(Catalog.of(found), items, pa.array(people), pa.array(chosen), time=time)
    return Data(name=folder.name, items=items, interactions=links)


def _data(folder: Path, order: str | None, weight: str | None) -> Data:
    items = _catalog(read_table(folder / "items.parquet"), ITEM_ROLES)
    users = read_table(folder / "users.parquet")
    users = _catalog(users.select([name for name in users.column_names if name in USER_ROLES]), USER_ROLES)
    table = read_table(folder / "interactions.parquet")
    links = Links.interactions(
        users,
        items,
        table["user_id"].cast(pa.string()),
        table["item_id"].cast(pa.string()),
        time=None if order is None else np.asarray(table[order]),
        weight=None if weight is None else np.asarray(table[weight].fill_null(0)),
    )
    return Data(name=folder.name, items=items, interactions=links)


def _catalog(table: pa.Table, roles: dict[str, str]) -> Catalog:
    return Catalog(table, {name: role for name, role in roles.items() if name in table.column_names})
