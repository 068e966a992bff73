"""A collection with every kind of field, links and a map; and a key that may do everything."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from nearkin.collection import Collection
from nearkin.service.keys import Keys
from nearkin.service.state import State
from nearkin.tables import Catalog, Links

WORDS = ("red shoe", "warm boot", "blue hat", "old guitar", "loud violin", "thick novel", "green coat", "small lamp")


def shop_in(place: Path, things: int = 40) -> str:
    """Build it there; gives the key."""
    names = [f"t{n}" for n in range(things)]
    catalog = Catalog.of(names, title=[f"{WORDS[n % len(WORDS)]} {n}" for n in range(things)]).with_fields(
        {"kind": "category", "tags": "category", "price": "number", "day": "time", "nothing": "category"},
        kind=["wear" if n % 2 else "music" for n in range(things)],
        tags=[None if n % 7 == 0 else ["plain", f"x{n % 3}"] for n in range(things)],
        price=[None if n % 9 == 0 else float(n) for n in range(things)],
        day=pa.array([None if n % 5 == 0 else n * 86_400_000_000 for n in range(things)], pa.timestamp("us")),
        nothing=pa.nulls(things, pa.string()),
    )
    people = Catalog.of([f"u{n}" for n in range(20)])
    links = Links.of_ids(people, catalog, [(f"u{n}", names[(n * step) % things]) for n in range(20) for step in (1, 3, 7)])
    with Collection.build(place, catalog, links=links) as shop:
        shop.lay_out()
    state = State(place)
    key = Keys(state).add(["read", "write", "admin"], name="fuzz")
    state.close()
    return key
