"""How long does an epoch of SASRec take here, in RecTools and in RecBole, and how good is what is learned in as many epochs?

    make rivals; NEARKIN_DATA=... python benches/sequence_speed.py [MODEL ...] [--minutes 120]      -> benches/results/sequence-speed.json

Each model runs in a process of its own, by a script of benches/rivals/ and the Python that has the library (`make rivals` makes those
environments). All get the same histories (amazon-beauty, leave-last-out: the last item tests, the last but one is held from training),
width, blocks, heads, length, number of epochs, and two threads. Loss: softmax over all items for all. What is not shared is left as
each library sets it: batches, learning rate, dropout, and RecBole learning from each beginning of a history apart.
Each hands back its eleven best items a user and their scores, history masked; one metric counts for all, ties against the model.
`cpu_s`, processor seconds over all threads, decides, since other work on the machine stretches `wall_s`. Seconds of an epoch are the
median; for rivals those within an epoch, for ours the whole fit (start included) divided by the epochs, which favours the rivals.
One run of each: a rival takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.data import load
from nearkin.evaluation.machine import machine
from nearkin.metrics import next_item
from nearkin.stage.cache import cache_folder
from nearkin.tables import Split, best

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "sequence-speed.json"
SHARED = {"dim": 64, "blocks": 1, "heads": 2, "length": 50, "epochs": 3, "threads": 2, "seed": 0}
OURS = "nearkin"


def python_of(model: str) -> Path:
    return Path(sys.executable) if model == OURS else cache_folder() / "rivals" / model / "bin" / "python"


def write_histories(split: Split, path: Path) -> None:
    """All links in order of user, then time, each marked with its part."""
    parts = (split.train, split.valid, split.test)
    users, items = (np.concatenate([getattr(part, rows) for part in parts]).astype(np.int64) for rows in ("left_rows", "right_rows"))
    which = np.repeat(np.arange(3, dtype=np.int8), [len(part) for part in parts])
    order = np.lexsort((which, users))  # stable, and a later part is later in time
    np.savez(path, users=users[order], items=items[order], parts=which[order])


def one(model: str, split: Split, folder: Path, limit_s: float) -> dict[str, Any]:
    """Run a driver, and count what it recommends; of one cut short only the seconds of its epochs are known."""
    lists = folder / f"{model}.npz"
    settings = [f"--{name}={value}" for name, value in SHARED.items()]
    command = [python_of(model), HERE / "rivals" / f"{model}_sas_rec.py", folder / "histories.npz", lists, *settings]
    said = run(command, folder, limit_s)
    epochs = [each["epoch"] for each in said if "epoch" in each]
    found = {name: value for each in said for name, value in each.items() if name != "epoch"}
    if model == OURS:
        epochs = [{name: round(value / SHARED["epochs"], 2) for name, value in found["fit"].items()}]
    if not epochs:
        return found | {"cut short after epochs": 0}
    found["epoch"] = {name: round(statistics.median(each[name] for each in epochs), 2) for name in epochs[0]}
    return found | {"epochs": epochs} | (figures(split, lists) if lists.exists() else {"cut short after epochs": len(epochs)})


def run(command: list[Any], folder: Path, limit_s: float) -> list[dict[str, Any]]:
    """The lines of JSON that a driver says until it ends or the time is up."""
    settings = {f"{name}_NUM_THREADS": str(SHARED["threads"]) for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    settings |= {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}  # or a thread that waits for another counts as busy
    settings |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}  # or half of the time of RecTools is the kernel's
    with (folder / "said").open("w+b") as said:
        try:
            subprocess.run(command, cwd=folder, env={**os.environ, **settings}, stdout=said, timeout=limit_s, check=True)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
        said.seek(0)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = {"cpu_s of all drivers so far": round(used.ru_utime + used.ru_stime, 1)}
        return [total, *(json.loads(line) for line in said if line.startswith(b"{"))]


def figures(split: Split, lists: Path) -> dict[str, float]:
    """nDCG and recall at 10 of the lists of a driver, with 95 % intervals over users."""
    with np.load(lists) as held:
        rows, scores = held["items"].astype(np.int32), held["scores"]
    hits = best(scores, scores.shape[1], rows=rows, queries=None, items=None)  # each library puts ties in an order of its own
    targets = split.test.right_rows[np.argsort(split.test.left_rows, kind="stable")]
    found = {}
    for name, each in {"ndcg@10": next_item.ndcg(hits, targets), "recall@10": next_item.recall(hits, targets)}.items():
        found[name] = round(float(each.mean()), 5)
        found[f"{name} interval"] = round(1.96 * float(each.std()) / len(each) ** 0.5, 5)
    return found


def verdict(models: dict[str, Any]) -> dict[str, Any]:
    """How many times the processor time of ours the quickest rival needs for an epoch, and the best nDCG@10 of a rival."""
    ours, rivals = models[OURS], [found for name, found in models.items() if name != OURS and "epoch" in found]
    quickest = min(rival["epoch"]["cpu_s"] for rival in rivals)
    return {
        "times as quick as the quickest rival": round(quickest / ours["epoch"]["cpu_s"], 2),
        "ndcg@10, ours": ours["ndcg@10"],
        "ndcg@10, best rival": max((rival["ndcg@10"] for rival in rivals if "ndcg@10" in rival), default=None),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=[OURS, "rectools", "recbole"])
    parser.add_argument("--minutes", type=float, default=120, help="for one model; of one cut short the epochs it had are kept")
    asked = parser.parse_args()
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {"models": {}}
    split = load("amazon-beauty").interactions.split("last")
    kept |= {"question": (__doc__ or "").splitlines()[0], "machine": machine(), "users": len(split.test), "shared": SHARED}
    with tempfile.TemporaryDirectory() as place:
        write_histories(split, Path(place) / "histories.npz")
        for model in asked.models:
            if not python_of(model).exists():
                print(f"{model}: there is no {python_of(model)}; `make rivals` makes it. Left out.", file=sys.stderr)
                continue
            found = kept["models"][model] = one(model, split, Path(place), 60 * asked.minutes)
            print(model, *(found.get(name) for name in ("epoch", "ndcg@10", "recall@10", "answer")), file=sys.stderr)
            if OURS in kept["models"] and sum("epoch" in each for each in kept["models"].values()) > 1:
                kept["verdict"] = verdict(kept["models"])
            RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
