"""What does it cost to write 20 things, to see them in another process, and to search, when a collection changes all the time?

Things: made-up texts of 40 words from 30,000 words as frequent as in a language. A write adds 10 new things and replaces 10. Processor
time of the whole process, in ms, median and largest of the rounds: the write, the first search, `similar` and `recommend` after it; a
removal; `refresh` of a second collection over the same folder, and its first search. Then wall time of a search without changes and
after 2,000 things were written, one query at a time. `--label before` keeps the figures of another state of the code beside.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.collection import Collection
from nearkin.evaluation.machine import machine
from nearkin.tables import Catalog
from nearkin.worlds import words

WORDS, LENGTH, EACH, ROUNDS, DELTA, QUERIES, REPEATS = 30_000, 40, 20, 6, 2_000, 100, 5
OUT = Path(__file__).parent / "results/fresh-writes.json"


class World:
    """Texts whose words are as frequent as in a language, and writes of them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.words = np.array(words(WORDS, self.random))
        chances = 1 / np.arange(3, WORDS + 3)
        self.edges = np.cumsum(chances / chances.sum())
        self.written = 0

    def texts(self, count: int, length: int = LENGTH) -> list[str]:
        drawn = np.minimum(np.searchsorted(self.edges, self.random.random((count, length))), WORDS - 1)
        return [" ".join(row) for row in self.words[drawn]]

    def things(self, names: list[str]) -> Catalog:
        prices = self.random.random(len(names)).round(3)
        return Catalog.of(names, title=self.texts(len(names), 6), text=self.texts(len(names)), price=prices)

    def write(self, size: int) -> Catalog:
        """Half new things, half in place of others."""
        self.written += EACH // 2
        new = [f"n{row}" for row in range(self.written - EACH // 2, self.written)]
        return self.things(new + [f"t{row}" for row in self.random.choice(size, EACH // 2, replace=False)])


def cpu_ms(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return 1e3 * (time.process_time() - started)


def told(took: list[float]) -> dict[str, float]:
    return {"median_ms": round(float(np.median(took)), 2), "most_ms": round(max(took), 2)}


def rounds(writer: Collection, reader: Collection, world: World, size: int) -> dict[str, dict[str, float]]:
    """Processor time of each step; the first three rounds warm up."""
    took: dict[str, list[float]] = {}
    for number in range(ROUNDS + 3):
        things, query = world.write(size), world.texts(1, 4)[0]
        known = things.id_list[0]
        steps = {
            "write 20": lambda things=things: writer.add(things),
            "first search": lambda query=query: writer.search(query),
            "similar": lambda known=known: writer.similar([known]),
            "recommend": lambda known=known: writer.recommend([[known]]),
            "refresh": reader.refresh,
            "reader's first search": lambda query=query: reader.search(query),
            "reader's recommend": lambda known=known: reader.recommend([[known]]),
            "remove 5": lambda things=things: writer.remove(things.id_list[:5]),
            "refresh after remove": reader.refresh,
        }
        for name, step in steps.items():
            spent = cpu_ms(step)
            if number >= 3:
                took.setdefault(name, []).append(spent)
    return {name: told(each) for name, each in took.items()}


def search_ms(shop: Collection, queries: list[str]) -> float:
    """Median over the repeats of the mean processor time of a search."""
    shop.search(queries[:5])
    return round(float(np.median([cpu_ms(lambda: [shop.search(query) for query in queries]) / len(queries) for _ in range(REPEATS)])), 3)


def figures_of(size: int) -> dict[str, Any]:
    world = World()
    queries = world.texts(QUERIES, 4)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "shop"
        Collection.build(place, world.things([f"t{row}" for row in range(size)]))
        shop = Collection.open(place)
        plain = search_ms(shop, queries)
        for _ in range(DELTA // EACH):
            shop.add(world.write(size))
        changed = search_ms(shop, queries)
        search = {"search_ms": plain, "search_after_2000_written_ms": changed, "ratio": round(changed / plain, 3)}
        return {**search, **rounds(shop, Collection.open(place), world, size)}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--label", default="after")
    asked.add_argument("--sizes", type=int, nargs="+", default=[24_000, 60_000])
    given = asked.parse_args()
    kept = json.loads(OUT.read_text()) if OUT.exists() else {"question": __doc__.split("\n")[0]}
    for size in given.sizes:
        kept.setdefault(given.label, {})[str(size)] = figures_of(size)
        kept["machine"] = machine()
        OUT.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
