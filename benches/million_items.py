"""Does a trained sequence model with 1,000,000 items fit into 8 GiB? One training step and one full ranking, in memory and seconds.

    python benches/million_items.py [--items 1000000] [--dim 64]   -> benches/results/million-items.json

Histories are made up; the step is that of `SasRec` (full softmax, AdamW) on a batch of about 400 positions; the ranking answers 64 people
over all items. Seconds are processor seconds, one thread; memory is the highest the process held, Python and torch included.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

from nearkin.indexes.sas_rec import SasRec
from nearkin.indexes.sequence_fit import loss_of, parts_of
from nearkin.tables import Catalog

RESULT = Path(__file__).parent / "results" / "million-items.json"


def highest_gib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def step(model: SasRec, items: int, random: np.random.Generator) -> dict:
    """The seconds of one step (of a second one, so that nothing is set up in it), and the model's learned fields filled from it."""
    parts = parts_of(model, random.normal(0, model.dim**-0.5, (items, model.dim)).astype(np.float32), None)
    offsets = np.arange(0, 401 * 8, 8)
    batches = model.batches(offsets, random.integers(0, items, offsets[-1]))
    loss, optimizer = loss_of(model, parts), torch.optim.AdamW(parts.parameters(), lr=1e-3, fused=True)
    for rows in batches.cut(0)[:2]:
        start = time.process_time()
        value = loss(batches.make(rows, random))
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds = time.process_time() - start
    model.items_ = Catalog.of([f"i{row}" for row in range(items)])
    model.table_, model.known_ = parts["table"].rows.detach().numpy(), np.ones(items, bool)
    model.weights_ = {name: each.numpy() for name, each in parts["net"].state_dict().items()}
    return {"step_s": round(seconds, 2), "loss": round(float(value.detach()), 2), "highest_gib": highest_gib()}


def ranking(model: SasRec, items: int, random: np.random.Generator) -> dict:
    people = Catalog.histories([[f"i{row}" for row in random.integers(0, items, 8)] for _ in range(64)])
    start = time.process_time()
    hits = model(people)
    assert (hits.rows >= 0).all()
    return {"people": len(people), "answer_s": round(time.process_time() - start, 2), "highest_gib": highest_gib()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=64)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model, random = SasRec(dim=asked.dim), np.random.default_rng(0)
    found = {"question": __doc__.splitlines()[0], "items": asked.items, "dim": asked.dim}
    found["training step"] = step(model, asked.items, random)
    found["full ranking"] = ranking(model, asked.items, random)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1), file=sys.stderr)


if __name__ == "__main__":
    main()
