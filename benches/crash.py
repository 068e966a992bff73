"""Does a collection survive kill -9 at any moment? Every acknowledged write is there, it opens, and searches agree with an exact scan.

A child adds, replaces, removes and compacts at random and says through a pipe what it begins and what returned; it is killed after
a random time. Another process then opens the collection and compares it with what was acknowledged (the one write that was under
way may or may not be there, but not by half), and each search with one over a collection's texts indexed afresh.
The parent only forks, so that no thread of the storage engine is ever copied.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore", message="lance is not fork-safe")  # nothing of it runs before the forks

from nearkin.collection import Collection  # noqa: E402 - imported before the forks, used only behind them
from nearkin.collection.branch import Branch  # noqa: E402
from nearkin.collection.fitting import default_branches  # noqa: E402
from nearkin.tables import Catalog  # noqa: E402
from nearkin.worlds import words  # noqa: E402

VOCABULARY = words(60, np.random.default_rng(7))
THINGS = 300


def warm() -> None:
    """Load the kernels and the word table before the forks, so that no child has to; nothing of the storage engine runs here."""
    for encoder, index in default_branches().values():
        branch = Branch.built(encoder, index, Catalog.of(text=["one two", "two three"]), np.arange(2))
        branch(Catalog.of(text=["two"]))


def text(chance: random.Random) -> str:
    return " ".join(chance.choices(VOCABULARY, k=6))


def catalog(texts: dict[str, str]) -> Catalog:
    return Catalog.of(texts, title=list(texts.values()))


def change(place: Path, seed: int, tell: Callable[[dict], None]) -> None:
    """Random writes without end; each is told before it starts and after it returned."""
    chance = random.Random(seed)
    shop = Collection.open(place)
    while True:
        draw = chance.random()
        if draw < 0.55:
            write = {"add": {f"t{chance.randrange(THINGS)}": text(chance) for _ in range(chance.randint(1, 20))}}
        elif draw < 0.9 and len(shop) > 20:
            write = {"remove": chance.sample(shop.catalog.id_list, chance.randint(1, 8))}
        else:
            write = {"compact": chance.random() < 0.5}
        tell(write | {"state": "begin"})
        if "add" in write:
            shop.add(catalog(write["add"]))
        elif "remove" in write:
            shop.remove(write["remove"])
        else:
            shop.compact(keep_history=write["compact"])
        tell({"state": "done"})


def applied(texts: dict[str, str], write: dict) -> dict[str, str]:
    texts = texts | write.get("add", {})
    return {name: value for name, value in texts.items() if name not in write.get("remove", ())}


def verify(place: Path, allowed: list[dict[str, str]]) -> str:
    """Empty when the collection is in one of the allowed states and searches rightly, else what is wrong."""
    shop = Collection.open(place)
    texts = dict(zip(shop.catalog.id_list, shop.catalog["title"], strict=True))
    if texts not in allowed:
        nearest = min(allowed, key=lambda state: len(set(state.items()) ^ set(texts.items())))
        return f"{len(set(nearest.items()) ^ set(texts.items()))} things differ from every allowed state"
    fresh_place = place.parent / "fresh"
    shutil.rmtree(fresh_place, ignore_errors=True)
    fresh = Collection.build(fresh_place, shop.catalog)
    queries = [text(random.Random(each)) for each in range(5)]
    found, exact = shop.search(queries, k=20), fresh.search(queries, k=20)
    shop.add(catalog({"probe": "a probe"}))  # and it can still be written
    shop.remove(["probe"])
    same = np.allclose(found.hits.scores, exact.hits.scores, atol=1e-4) and found.ids() == exact.ids()
    return "" if same else "a search differs from one over the same things indexed afresh"


def in_child(work: Callable[[], object]) -> tuple[int, int]:
    """Run in a forked child, its output read through a pipe: (process number, handle to read)."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    os.close(read)
    try:
        os.write(write, json.dumps({"result": work_with(work, write)}).encode() + b"\n")
    except BaseException as error:
        os.write(write, json.dumps({"result": f"{type(error).__name__}: {error}"}).encode() + b"\n")
    finally:
        os._exit(0)


def work_with(work: Callable, write: int) -> object:
    return work(lambda told: os.write(write, json.dumps(told).encode() + b"\n"))


def told_by(handle: int) -> list[dict]:
    with os.fdopen(handle) as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def one_kill(place: Path, texts: dict[str, str], seed: int) -> tuple[dict[str, str], dict, str]:
    """Change, kill, verify: (the state found, what was under way, what is wrong)."""
    child, handle = in_child(lambda tell: change(place, seed, tell))
    with os.fdopen(handle) as file:
        first = file.readline()  # the collection is open and the first write begins
        time.sleep(random.Random(seed).uniform(0, 0.8))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = [json.loads(line) for line in [first, *file] if line.endswith("\n")]
    under_way: dict = {}
    for line in told:
        if line.get("state") == "begin":
            under_way = line
        elif line.get("state") == "done":
            texts, under_way = applied(texts, under_way), {}
        else:
            return texts, {}, f"the writer failed: {line['result']}"
    child, handle = in_child(lambda tell: [tell({"texts": state(place)}), verify(place, [texts, applied(texts, under_way)])][1])
    os.waitpid(child, 0)
    told = told_by(handle)
    return told[0].get("texts", texts), under_way, told[-1]["result"]


def state(place: Path) -> dict[str, str]:
    shop = Collection.open(place)
    return dict(zip(shop.catalog.id_list, shop.catalog["title"], strict=True))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, default=None, help="where to write the figures")
    chosen = arguments.parse_args()
    warm()
    started, faults, cut = time.time(), [], {"nothing": 0, "add": 0, "remove": 0, "compact": 0}
    with tempfile.TemporaryDirectory() as folder:
        place, chance = Path(folder) / "shop", random.Random(chosen.seed)
        texts = {f"t{each}": text(chance) for each in range(100)}
        child, handle = in_child(lambda _tell: Collection.build(place, catalog(texts)).close() or "")
        os.waitpid(child, 0)
        built = told_by(handle)[-1]["result"]
        if built:
            sys.exit(f"the collection could not be built: {built}")
        for kill in range(chosen.kills):
            texts, under_way, wrong = one_kill(place, texts, chosen.seed * 100_000 + kill)
            cut[next((name for name in ("add", "remove", "compact") if name in under_way), "nothing")] += 1
            if wrong:
                faults.append(f"kill {kill} during {list(under_way) or 'nothing'}: {wrong}")
                print(faults[-1], file=sys.stderr)
    figures = {
        "kills": chosen.kills,
        "seed": chosen.seed,
        "killed during": cut,
        "faults": faults,
        "seconds": round(time.time() - started, 1),
    }
    print(json.dumps(figures, indent=1))
    if chosen.out:
        chosen.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
