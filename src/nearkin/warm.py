"""Compile the inner loops once, ahead of the first use: `python -m nearkin.warm`; the result is cached on disk.

Without it the first search, and the first match, of a new installation take about a quarter of a minute longer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from nearkin.collection import Collection
from nearkin.indexes.lean_index import LeanIndex
from nearkin.matching import match
from nearkin.tables import Vectors
from nearkin.worlds import cycles, two_lists


def main() -> None:
    """Use every verb once on a few made-up things."""
    rows = Vectors(np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32))
    index = LeanIndex(scan_below=0).fit(rows)
    index.remove(np.array([0]))(rows, keep=np.arange(300) % 2 == 0)
    world, walks = two_lists(left=40, right=60), cycles(users=40)
    match(world.queries, world.items)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        shop = Collection.build(Path(folder) / "shop", walks.items, links=walks.interactions)
        beside = Collection.open(shop.place)
        shop.search("warm up", where="id > 'i'", explain=True)
        shop.similar(["i0"])
        shop.recommend([["i0", "i1"]], explain=True)
        shop.add(walks.items.take([0, 1]))
        shop.remove(["i2"])
        beside.refresh()
        shop.search(["warm", "up"], k=50)


if __name__ == "__main__":
    main()
