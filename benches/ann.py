"""How many queries a second do the libraries of approximate search answer on one core, at recall@10 0.90, 0.95 and 0.99, and at what cost?

`python benches/ann.py [--only METHOD ...] [--million] [--growth] [--items N] [--fresh]`. Base: 113,791 definitions of WordNet by MiniLM
(384 numbers, real_vectors.py); asked with definitions held out, half of them to choose settings by, half to measure. Each method runs in a
process of its own, pinned to one core, with one thread. The setting is the cheapest of a sweep that reaches the recall on the tuning half;
its recall and speed are then taken on the other half: queries/s in batches of 1,000 and alone (median and range of five), p50 and p95.
Speeds are processor time; waiting times are wall time. Memory: bytes of the saved index a vector, and the most that the process grew by.
Rivals' indexes are kept in the cache folder with their build times (--fresh builds again); ours is built each time.
Results are merged into benches/results/ann.json by method and size, and drawn to docs/images/ann.png (and ann-growth.png).
`--million`: 1,000,000 vectors, drawn again from the base with noise of length 0.35 (a make-up); `--growth`: 10,000 to 1,000,000.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import numpy as np
from ann_rivals import LARGE, METHODS, K, Search

TARGETS = (0.90, 0.95, 0.99)
ASKED, ALONE, REPEATS = 1000, 200, 5
REAL = 113_791
GROWTH = (10_000, 31_623, 100_000, 316_228, 1_000_000)
RESULTS = Path(__file__).parent / "results" / "ann.json"
IMAGES = Path(__file__).parents[1] / "docs" / "images"
PACKAGES = ("nearkin", "numpy", "numba", "faiss-cpu", "usearch", "hnswlib", "scalable-vs", "scann")


def cache() -> Path:
    from nearkin.encoders.cached import cache_folder

    return cache_folder() / "ann"


def prepared(count: int | None) -> Path:
    """A folder with the base, both halves of the queries, and the exact answers of each, as .npy."""
    folder = cache() / str(count or "all")
    if not (folder / "done").exists():
        from real_vectors import noisy, wordnet

        folder.mkdir(parents=True, exist_ok=True)
        real = wordnet()
        base = real.base if count is None else noisy(real.base, count) if count > len(real.base) else real.base[:count]
        np.save(folder / "base.npy", np.ascontiguousarray(base, np.float32))
        for half, rows in zip(("tuning", "test"), real.halves("definition")):
            np.save(folder / f"{half}.npy", np.ascontiguousarray(rows[:ASKED], np.float32))
            np.save(folder / f"{half}-exact.npy", exact(base, rows[:ASKED]))
        (folder / "done").touch()
    return folder


def exact(base: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The ten best of each query by float32 products, block by block: int64 [q, 10]."""
    rows, scores = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
    for start in range(0, len(base), 32_768):
        block = queries @ np.asarray(base[start : start + 32_768], np.float32).T
        some = np.argpartition(-block, K - 1, axis=1)[:, :K]
        rows = np.concatenate([rows, some + start], axis=1)
        scores = np.concatenate([scores, np.take_along_axis(block, some, 1)], axis=1)
        kept = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        rows, scores = np.take_along_axis(rows, kept, 1), np.take_along_axis(scores, kept, 1)
    return rows


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found.tolist(), wanted.tolist())]))


def memory() -> float:
    """The most this process ever held, MiB; from /proc where it is, as rusage also counts what the parent held before."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rate(search: Search, queries: np.ndarray) -> float:
    begun = time.process_time()
    search(queries)
    return len(queries) / max(time.process_time() - begun, 1e-9)


def work(name: str, folder: Path, fresh: bool) -> dict[str, Any]:
    """All figures of one method; run in a process of its own."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    half = {part: (np.load(folder / f"{part}.npy"), np.load(folder / f"{part}-exact.npy")) for part in ("tuning", "test")}
    base, method = np.load(folder / "base.npy"), METHODS[name]()
    if not hasattr(method, "save"):  # ours: compile first, as the loops of the others were when they were installed
        few = METHODS[name]()
        few.build(base[:5000])
        few.search(few.sweeps()[0][0])(half["tuning"][0][:100])
    before = memory()
    build = built(method, base, folder / "indexes" / name.replace(" ", "-"), fresh)
    swept = sweep(method, *half["tuning"])
    row = {"method": name, "items": len(base), "dim": base.shape[1], "build": build}
    row["bytes_a_vector"] = round(method.size_bytes() / len(base), 1)
    row["curve"] = [[round(found, 4), round(speed)] for found, speed, _ in swept]
    chosen = {f"{target:.2f}": fastest(swept, target) for target in TARGETS}
    figures = {repr(setting): measured(method, setting, *half["test"]) for setting in chosen.values() if setting is not None}
    row["at"] = {target: figures.get(repr(setting)) for target, setting in chosen.items()}
    row["peak_mib"] = round(memory() - before) if "kept" not in build else build["peak_mib"]
    return row


def built(method: Any, base: np.ndarray, path: Path, fresh: bool) -> dict[str, Any]:
    """Build, or read what was kept of an earlier build; seconds as they were then."""
    note = path.with_name(path.name + ".json")
    if note.exists() and not fresh and hasattr(method, "load"):
        method.load(path, base)
        return json.loads(note.read_text()) | {"kept": True}
    wall, begun, before = time.perf_counter(), time.process_time(), memory()
    method.build(base)
    seconds = {"cpu_s": round(time.process_time() - begun, 1), "wall_s": round(time.perf_counter() - wall, 1)}
    seconds["peak_mib"] = round(memory() - before)
    if hasattr(method, "save"):
        path.parent.mkdir(parents=True, exist_ok=True)
        method.save(path)
        note.write_text(json.dumps(seconds))
    return seconds


def sweep(method: Any, queries: np.ndarray, wanted: np.ndarray) -> list[tuple[float, float, Any]]:
    """Recall and queries/s of each setting, on the tuning half; a sweep ends where it reaches .99, or where it stands still."""
    found = []
    for settings in method.sweeps():
        last = -1.0
        for setting in settings:
            search = method.search(setting)
            search(queries[:50])
            reached = recall(search(queries), wanted)
            found.append((reached, max(rate(search, queries) for _ in range(2)), setting))
            if reached >= TARGETS[-1] + 0.002 or (last > 0.85 and reached - last < 0.0002):
                break
            last = reached
    return found


def fastest(swept: list[Any], target: float) -> Any:
    """The fastest setting that reached the target on the tuning half, or None."""
    return max((line for line in swept if line[0] >= target), key=lambda line: line[1], default=(0, 0, None))[2]


def measured(method: Any, setting: Any, queries: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """Recall, speed in batches and alone, and waiting times of one setting."""
    search = method.search(setting)
    found = recall(search(queries), wanted)
    batch = [rate(search, queries) for _ in range(REPEATS)]
    singles = [one_by_one(search, queries[:ALONE]) for _ in range(REPEATS)]
    waits = np.concatenate([each for _, each in singles]) * 1e3
    figures = {"setting": setting, "recall": round(found, 4)}
    for kind, rates in (("batch", batch), ("single", [speed for speed, _ in singles])):
        figures |= {f"{kind}_qps": round(median(rates)), f"{kind}_range": [round(min(rates)), round(max(rates))]}
    return figures | {"p50_ms": round(float(np.percentile(waits, 50)), 4), "p95_ms": round(float(np.percentile(waits, 95)), 4)}


def one_by_one(search: Search, queries: np.ndarray) -> tuple[float, list[float]]:
    """Queries a second of processor time when asked alone, and the wall time that each took."""
    begun, waits = time.process_time(), []
    for query in queries[:, None]:
        asked = time.perf_counter()
        search(query)
        waits.append(time.perf_counter() - asked)
    return len(queries) / (time.process_time() - begun), waits


def run(names: Sequence[str], count: int | None, fresh: bool, out: Path) -> None:
    """Each method in its own process; a crash of one is noted and the next goes on."""
    folder = prepared(count)
    for name in names:
        kept = folder / "row.json"
        kept.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--worker", name, "--folder", str(folder), *(["--fresh"] if fresh else [])]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        failed = {"method": name, "items": count or REAL, "failed": f"{done.returncode}: {done.stderr[-300:]}"}
        row = json.loads(kept.read_text()) if kept.exists() else failed
        merge(out, row)
        print(*summary(row), f"{time.perf_counter() - begun:.0f} s", sep="\t", flush=True)


def summary(row: dict[str, Any]) -> list[str]:
    if "failed" in row:
        return [row["method"], row["failed"]]
    at = [f"{target}: {it['batch_qps']:,}/{it['single_qps']:,} q/s" if it else f"{target}: -" for target, it in row["at"].items()]
    cost = [f"{row['bytes_a_vector']} B", f"build {row['build']['cpu_s']} s", f"+{row['peak_mib']} MiB"]
    return [row["method"], f"{row['items']:,}", *at, *cost]


def merge(path: Path, row: dict[str, Any]) -> None:
    """Put the row in the place of an older one of its method and size."""
    held = json.loads(path.read_text()) if path.exists() else {"question": __doc__.splitlines()[0], "rows": []}
    rows = [each for each in held["rows"] if (each["method"], each["items"]) != (row["method"], row["items"])]
    held["rows"] = sorted([*rows, row], key=lambda each: (each["items"], list(METHODS).index(each["method"])))
    held["versions"] = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
    held["machine"] = machine()
    path.write_text(json.dumps(held, indent=1) + "\n")


def machine() -> dict[str, Any]:
    from nearkin.evaluation.machine import machine as described

    return described() | {"threads": 1}


def draw(path: Path) -> None:
    """Recall against queries a second on the real vectors, and growth with the number of items, ours in black."""
    rows = [row for row in json.loads(path.read_text())["rows"] if "failed" not in row]
    sizes = {row["items"] for row in rows}
    real = [row for row in rows if row["items"] == REAL]
    if real:
        lines = {row["method"]: best_of(row["curve"]) for row in real}
        picture(lines, "recall@10", "queries a second on one core, batch", "113,791 definitions, 384 numbers", IMAGES / "ann.png")
    if len(sizes) > 2:
        lines = {}
        for row in rows:
            if row["method"] in LARGE and row["at"]["0.95"]:
                lines.setdefault(row["method"], []).append((row["items"], row["at"]["0.95"]["batch_qps"]))
        picture(lines, "items", "queries a second at recall@10 0.95, batch", "growth", IMAGES / "ann-growth.png", log_x=True)


def best_of(curve: list[list[float]]) -> list[tuple[float, float]]:
    """The settings that no other beats in both recall and speed, from 0.8 on."""
    kept = [tuple(point) for point in curve if point[0] >= 0.8 and not any(a >= point[0] and b > point[1] for a, b in curve)]
    return sorted(kept)


def picture(lines: dict[str, list[Any]], x: str, y: str, title: str, path: Path, *, log_x: bool = False) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for label, points in lines.items():
        ours = label.startswith("nearkin")
        axes.plot(*zip(*sorted(points)), marker="o", markersize=3, label=label, **({"color": "black", "linewidth": 2.5} if ours else {}))
    axes.set(xlabel=x, ylabel=y, title=title, yscale="log", xscale="log" if log_x else "linear")
    axes.legend(fontsize="x-small")
    axes.grid(alpha=0.3, which="both")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", nargs="+", choices=METHODS, metavar="METHOD", help=f"of {', '.join(METHODS)}")
    options.add_argument("--items", type=int, help="so many vectors instead of all; more than there are: with noise")
    options.add_argument("--million", action="store_true")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--fresh", action="store_true", help="build the rivals' indexes again")
    options.add_argument("--out", type=Path, default=RESULTS)
    options.add_argument("--worker", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.worker:
        row = work(chosen.worker, chosen.folder, chosen.fresh)
        (chosen.folder / "row.json").write_text(json.dumps(row))
        return
    large = chosen.million or chosen.growth
    sizes: list[int | None] = list(GROWTH) if chosen.growth else [1_000_000] if chosen.million else [chosen.items]
    for count in sizes:
        run(chosen.only or (LARGE if large else list(METHODS)), count, chosen.fresh, chosen.out)
    draw(chosen.out)


if __name__ == "__main__":
    main()
