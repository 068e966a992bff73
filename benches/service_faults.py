"""What becomes of a service under load when something breaks: are answered writes lost, are answers wrong, and how soon is it back?

    python benches/service_faults.py [--things 2000] [FAULT ...]         -> benches/results/service-faults.json

`nearkin serve --workers 2` over made-up things; four clients, each over a new connection a request: two put things, look each up at once
(anything older than the answered write is wrong) and delete every third, two search for things that never change (hits must be those of the
beginning). Each fault comes after three seconds of this. `writes_back_s`, `reads_back_s`: from the fault to the first answer to a request
that was sent after it; `worst_read_s`: the slowest search from then on; in the end the folder is opened by itself and compared with what
was answered.
Faults: kill -9 of a worker, of the writer, of the spare and the writer at once; no file can grow (a limit on the writer); the disk
is full (a file system of 512 MB, filled up; needs root);
the clock jumps by a day, forth and back (needs a C compiler); 60 clients that drip their bodies; bodies of 100 MB; 10,000 idle connections;
a stage file cut in half, found by a worker that starts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from faults.breaking import DISK_BYTES, FAULTS, FULL_DISK
from faults.load import Load
from faults.service import Service

from nearkin.collection import Collection
from nearkin.evaluation.machine import machine
from nearkin.tables import Catalog
from nearkin.worlds import words

OUT = Path(__file__).parent / "results/service-faults.json"
BEFORE_S, AFTER_S = 3.0, 20.0


def one(service: Service, name: str, asked: dict[str, list[str]]) -> dict[str, Any]:
    service.wait_until_well()
    with Load(service, asked) as load:
        time.sleep(BEFORE_S)
        began = time.monotonic()
        FAULTS[name](service)
        over = time.monotonic()
        service.wait(lambda: (time.monotonic() > over + 2 and load.back_s("write", over) is not None) or time.monotonic() > over + 120)
        time.sleep(max(0.0, AFTER_S - (time.monotonic() - over)))
    searches = [ended - sent for sent, ended, kind, status in load.seen if kind == "search" and sent >= began and status == 200]
    lost, risen = compared(service.place, load)
    return {
        "requests": len(load.seen),
        "answered_writes": len(load.there) + 2 * len(load.gone),
        "lost": lost,
        "risen": risen,
        "wrong": len(load.wrong),
        "first_wrong": [str(each).replace(f"{service.place.parent}/", "")[:300] for each in load.wrong[:3]],
        "fault_s": round(over - began, 1),
        "writes_back_s": load.back_s("write", over),
        "reads_back_s": load.back_s("search", over),
        "refused_or_cut": {
            kind: sum(each[3] in (0, 503, 507) and each[2] == kind for each in load.seen) for kind in ("search", "look", "write")
        },
        "median_read_ms": round(1e3 * float(np.median(searches)), 1),
        "worst_read_s": round(max(searches), 2),
    }


def compared(place: Path, load: Load) -> tuple[int, int]:
    """How many answered puts are not there, and how many answered deletes are, when the folder is opened by itself."""
    here = set(Collection.open(place).catalog.id_list)
    return len(load.there - here - load.unsure), len((load.gone & here) - load.unsure)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own for the collection, where this user may make one; else a plain folder."""
    folder.mkdir()
    if not may_mount():
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def may_mount() -> bool:
    return os.geteuid() == 0


@contextmanager
def serving(things: int) -> Iterator[tuple[Service, dict[str, list[str]]]]:
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder) / "disk") as disk:
        place, random = disk / "shop", np.random.default_rng(0)
        known = words(3_000, random)
        titles = [" ".join(random.choice(known, 6)) for _ in range(things)]
        Collection.build(place, Catalog.of([f"t{row}" for row in range(things)], title=titles, kind=["old"] * things)).close()
        service = Service(place, Path(folder))
        try:
            service.wait_until_well()
            asked = {}
            for title in titles[:: max(1, things // 20)]:
                body = {"queries": [title], "k": 1, "where": "kind = 'old'"}
                asked[title] = [hit["id"] for hit in service.ask("POST", "/v1/search", body)[1]["hits"][0]]
            yield service, asked
        finally:
            service.process.terminate()
            service.process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("faults", nargs="*", default=list(FAULTS))
    parser.add_argument("--things", type=int, default=2_000)
    asked = parser.parse_args()
    kept = json.loads(OUT.read_text()) if OUT.exists() else {"faults": {}}
    kept |= {"question": (__doc__ or "").splitlines()[0], "machine": machine(), "things": asked.things, "workers": 2}
    with serving(asked.things) as (service, searches):
        for name in asked.faults:
            if (name == "the clock jumps" and not shutil.which("gcc")) or (name == FULL_DISK and not may_mount()):
                continue
            kept["faults"][name] = one(service, name, searches) | {"load_average": round(os.getloadavg()[0], 1)}
            print(name, json.dumps(kept["faults"][name]), file=sys.stderr, flush=True)
            OUT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
