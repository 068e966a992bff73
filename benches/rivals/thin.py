"""One thin HTTP service for every store that `service_load.py` compares with: the same routes, the same encoder, the same answers.

    PYTHON serve_STORE.py FOLDER build THINGS.parquet       once
    PYTHON serve_STORE.py FOLDER serve PORT WORKERS

POST /search {"q", "k"} -> {"hits": [{"id", "score"}]}; POST /upsert {"items": [{"id", "text"}]} -> {"upserted": n}, durable and findable.
A store is a module with `build(folder, things)`, `connect(folder)`, and on what that gives `search(q, vector, k)` and
`upsert(ids, texts, vectors)`. Each worker is a process; requests run in threads, as FastAPI runs plain functions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from nearkin.encoders.static_words import StaticWords
from nearkin.tables import Catalog

ENCODER = StaticWords()


class Asked(BaseModel):
    q: str
    k: int = 10


class Thing(BaseModel):
    id: str
    text: str


class Things(BaseModel):
    items: list[Thing]


def vectors_of(texts: list[str]) -> np.ndarray:
    """float32 [n, dim], rows of length 1; the encoder that nearkin itself searches by."""
    names = [str(place) for place in range(len(texts))]
    return np.asarray(ENCODER(Catalog.of(names, text=texts)).rows, np.float32)


def application(store: ModuleType, folder: Path) -> FastAPI:
    app, held = FastAPI(), store.connect(folder)

    @app.get("/ready")
    def ready() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/search")
    def search(asked: Asked) -> dict[str, object]:
        return {"hits": [{"id": name, "score": score} for name, score in held.search(asked.q, vectors_of([asked.q])[0], asked.k)]}

    @app.post("/upsert")
    def upsert(things: Things) -> dict[str, int]:
        texts = [thing.text for thing in things.items]
        held.upsert([thing.id for thing in things.items], texts, vectors_of(texts))
        return {"upserted": len(texts)}

    return app


def of_environment() -> FastAPI:
    """The application of a worker: which store and folder it serves stands in its environment."""
    sys.path.insert(0, str(Path(__file__).parent))
    return application(__import__(os.environ["STORE"]), Path(os.environ["FOLDER"]))


def main(store: ModuleType, most_workers: int = 64) -> None:
    folder, verb, *more = sys.argv[1:]
    if verb == "build":
        things = pq.read_table(more[0])
        store.build(Path(folder), things["id"].to_pylist(), things["text"].to_pylist())
        return
    os.environ |= {"STORE": Path(sys.argv[0]).stem, "FOLDER": folder}
    workers = min(int(more[1]), most_workers)
    uvicorn.run(
        "thin:of_environment", factory=True, port=int(more[0]), workers=workers, log_level="warning", access_log=False,
        timeout_worker_healthcheck=120,
    )  # fmt: skip
