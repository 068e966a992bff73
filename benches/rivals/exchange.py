"""What `sequence_speed.py` and the drivers of the models it compares hand each other: histories in, lists and seconds out; NumPy alone."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

KEPT = 11  # one more than the cut of the metrics, so that ties across it are seen
TRAIN, VALID, TEST = 0, 1, 2


class Histories:
    """What people did: users, items and parts int64 [m], in order of user, then time; part is TRAIN, VALID or TEST, one TEST a user."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as held:
            self.users, self.items, self.parts = held["users"], held["items"], held["parts"]
        self.asked = self.users[self.parts == TEST]  # whose next item is to be told, in this order

    def known(self) -> dict[int, np.ndarray]:
        """What each user had before the test item, oldest first."""
        seen = self.parts != TEST
        users, starts = np.unique(self.users[seen], return_index=True)
        return dict(zip(users.tolist(), np.split(self.items[seen], starts[1:])))


class Clock:
    """Seconds of each stretch of one kind of work, on the wall and of the processors (all threads of this process).

    Each is also told as a line of stdout, {name: seconds}, so that a run cut short leaves what it has.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds: list[dict[str, float]] = []

    def start(self) -> None:
        self.began = self.now()

    def stop(self) -> None:
        self.seconds.append({name: round(value - self.began[name], 2) for name, value in self.now().items()})
        print(json.dumps({self.name: self.seconds[-1]}), flush=True)

    @staticmethod
    def now() -> dict[str, float]:
        """system_s, the kernel's part of cpu_s, is nearly all for memory that is taken and given back."""
        return {"wall_s": time.perf_counter(), "cpu_s": time.process_time(), "system_s": os.times().system}

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        yield
        self.stop()


def told() -> argparse.Namespace:
    """What the bench asks of a driver: where the histories lie and the lists go, and the settings that all models share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("histories", type=Path)
    parser.add_argument("lists", type=Path)
    for name in ("dim", "blocks", "heads", "length", "epochs", "threads", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def tell(path: Path, items: np.ndarray, scores: np.ndarray, versions: dict[str, str]) -> None:
    """Lists int64 [q, KEPT] (-1: none) and float32 scores to a file, and with which versions they were made."""
    np.savez(path, items=items, scores=scores.astype(np.float32))
    print(json.dumps({"versions": versions}), flush=True)
