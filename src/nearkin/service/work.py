"""One job in a process of its own: python -m nearkin.service.work PLACE JOB."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.collection import Collection
from nearkin.errors import BadInput, NearkinError, StorageError
from nearkin.service.evaluating import evaluate
from nearkin.service.jobs import DONE, FAILED, Jobs
from nearkin.service.matchwork import keep_match, table_of
from nearkin.service.problems import problem_of
from nearkin.service.state import FOLDER, State

log = logging.getLogger("nearkin.service")
Say = Callable[..., None]
IMPORTS = "imports"  # the folder below the state from which files are taken in
CHUNK = 20_000  # things written in one version
WAIT_S = 60.0  # for another writer


def compact(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Fit the stages anew and drop what was removed."""
    before = shop.info()["size_bytes"]
    shop.compact(keep_history=asked["keep_history"], progress=say, wait_s=WAIT_S)
    return {"size_bytes_before": before, "size_bytes": shop.info()["size_bytes"], "version": shop.version}


def tune(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Look for the best recommender."""
    found = shop.tune(minutes=asked["minutes"], progress=say, wait_s=WAIT_S)
    parts = [{"model": type(part).__name__, "weight": float(weight)} for weight, part in found.parts]
    return {"ndcg": float(found.ndcg), "parts": parts, "trials": len(found.trials)}


def layout(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Draw the map."""
    drawn = shop.lay_out(progress=say, wait_s=WAIT_S)
    return {"things": len(drawn.seqs), "words": list(drawn.words), "version": shop.version}


def imported(shop: Collection, name: str) -> Path:
    """What lies under this name in the folder of imports. Refused: nothing."""
    path = shop.place / FOLDER / IMPORTS / Path(name).name
    if not path.exists():
        raise BadInput(f"there is no file {path.name!r} in {FOLDER}/{IMPORTS} of the collection; put it there first")
    return path


def take_in(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Add the things of a file that the owner put into the folder of imports."""
    from nearkin.readers import read
    from nearkin.readers.tables import field_names

    path = imported(shop, asked["file"])
    names = field_names(path)
    things = read(path, roles={name: role for name, role in shop.catalog.roles.items() if name in names})
    before = len(shop)
    for start in range(0, len(things), CHUNK):
        say(f"adding from {start:,}", done=start, total=len(things))
        shop.add(things.take(np.arange(start, min(start + CHUNK, len(things)))), wait_s=WAIT_S)
    say("done", done=len(things), total=len(things))
    return {"things": len(things), "new": len(shop) - before, "version": shop.version}


def match(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Match the collection with a table that the owner put into the folder of imports, or with itself; keep what came of it."""
    table = None if asked["file"] is None else table_of(imported(shop, asked["file"]), asked["id"])
    return keep_match(shop, table, asked["file"], asked["where"], one_to_one=asked["one_to_one"], say=say)


KINDS = {"compact": compact, "tune": tune, "layout": layout, "evaluate": evaluate, "import": take_in, "match": match}


def main(place: str, job: str) -> None:
    """Do the job and note how it ended."""
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    jobs = Jobs(State(Path(place)))
    told = jobs.get(job)

    def say(message: str, done: int | None = None, total: int | None = None) -> None:
        jobs.say(job, message, done, total)

    try:
        with Collection.open(place) as shop:
            result = KINDS[told["kind"]](shop, told["asked"], say)
    except (StorageError, OSError) as error:
        log.exception("the job %s could not be done", job)
        jobs.end(job, FAILED, problem=problem_of(error).detail)
    except NearkinError as error:
        jobs.end(job, FAILED, problem=str(error))
    else:
        jobs.end(job, DONE, result=result)


def _end_with_the_service() -> None:
    """Its end of the pipe closes when the service ends, however it ends."""
    sys.stdin.buffer.read()
    os._exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
