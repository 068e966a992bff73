"""How well do trained recommenders guess the next item, and what do they cost? Networks, a graph, factors; three seeds.

    NEARKIN_DATA=... python benches/sequence_models.py [SET ...] [--models NAME ...] [--seeds 3]   -> benches/results/sequence-models.json

Protocol: leave-last-out; the last item tests, the last but one validates (it chooses the epoch), training sees neither; test histories
are all but the last item; ranking over all items, history masked; ties count against the model. The networks have their defaults, chosen
on the validation items of amazon-beauty, but on the other sets they are 64 wide (128 there), with two thirds of the epochs on the two
largest and three times as many on ml-100k; LightGCN and ALS have the best of a few settings by the validation items of each set, with the
first seed. Beside them stand popularity, directed neighbours and EASE with neighbours.
The 95 % interval is that of the mean over users, of each user's mean over the seeds. Seconds are processor seconds, one thread.
Each cell (set, model, seed) is written when it is done and not run again, so a run may be stopped at any time; a cell cut short goes on
from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from nearkin import __version__
from nearkin.data import load
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.indexes.als import Als
from nearkin.indexes.bert4rec import Bert4Rec
from nearkin.indexes.blend import Blend
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.gru4rec import Gru4Rec
from nearkin.indexes.light_gcn import LightGcn
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.sas_rec import SasRec
from nearkin.indexes.sequence_model import SequenceModel
from nearkin.metrics import next_item
from nearkin.stage.cache import cache_folder

SETS = ("amazon-beauty", "amazon-sports", "ml-100k", "yelp-2019")
FIELDS = {"amazon-sports": ("brand", "categories"), "yelp-2019": ("title", "categories")}  # the text of an item; else its title
RESULT = Path(__file__).parent / "results" / "sequence-models.json"
TRAINED = {"SASRec": SasRec, "BERT4Rec": Bert4Rec, "GRU4Rec": Gru4Rec}
WIDE = {"amazon-beauty": 128}  # of the networks; else 64
LONG = {"amazon-sports": 2 / 3, "yelp-2019": 2 / 3, "ml-100k": 3}  # times the epochs that a network has by default
TRIED = {
    "LightGCN": (LightGcn, [{"lr": lr, "layers": layers, "epochs": 12} for lr, layers in ((0.005, 2), (0.02, 2), (0.02, 3))]),
    "ALS": (Als, [{"dim": dim, "confidence": sure} for dim in (64, 256) for sure in (1.0, 10.0)]),
}
COUNTED = {
    "popularity": Popularity,
    "directed item-knn": DirectedKnn,
    "EASE + directed item-knn": lambda: Blend(parts=(Ease(), DirectedKnn()), weights=(0.5, 0.5)),
}


def models(name: str) -> dict:
    """Name -> (how to make it for a seed and settings, whether the seed matters)."""
    texts = Cached(encoder=SentenceModel(fields=FIELDS.get(name, ("title",)), max_tokens=64))
    size = {each: {"dim": WIDE.get(name, 64), "epochs": round(kind().epochs * LONG.get(name, 1))} for each, kind in TRAINED.items()}
    found = {name: (lambda seed, make=make, **more: make(), False) for name, make in COUNTED.items()}
    for name, kind in TRAINED.items():
        found[name] = (lambda seed, kind=kind, size=size[name], **more: kind(seed=seed, **size), True)
    found |= {name: (lambda seed, kind=kind, **more: kind(seed=seed, **more), True) for name, (kind, _) in TRIED.items()}
    for name, kind in TRAINED.items():
        found[f"{name} with text"] = (lambda seed, kind=kind, size=size[name], **more: kind(seed=seed, content=texts, **size), True)
    return found


def chosen(name: str, make, split) -> dict:
    """The settings that foretell the validation items best, of those tried; nothing for a model with none to try."""
    settings = TRIED[name][1] if name in TRIED else [{}]
    if len(settings) == 1:
        return settings[0]
    people, targets = split.train.histories().take(split.valid.left_rows), split.valid.right_rows
    scores = []
    for each in settings:
        model = make(0, **each).fit(split.train)
        model.k = 11
        scores.append(float(next_item.ndcg(model(people), targets).mean()))
        print(f"{name} {each}: validation {scores[-1]:.4f}", file=sys.stderr)
    return settings[int(np.argmax(scores))]


def one(model, split, folder: Path) -> dict:
    """One cell: the figures of each user, packed as ranks, and the seconds of fitting and of answering."""
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    start = time.process_time()
    if isinstance(model, SequenceModel):
        model.fit(split.train, valid=split.valid, folder=folder, progress=True)
    else:
        model.fit(split.train)
    fit_s = time.process_time() - start
    model.k = 11  # one more than the cut, so that ties across it are seen
    start = time.process_time()
    ranks = next_item.ranks(model(people), targets)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "fit_s": round(fit_s, 1),
        "answer_s": round(time.process_time() - start, 2),
        "ranks": "".join(chr(ord("0") + int(rank)) if rank <= 10 else "." for rank in ranks),
    }


def summary(cells: dict[str, dict]) -> dict:
    """Recall and nDCG at 10 over the seeds, with intervals over users."""
    ranks = np.array([[ord(each) - ord("0") if each != "." else np.inf for each in cell["ranks"]] for cell in cells.values()])
    hit, gain = (ranks <= 10).astype(float), np.where(ranks <= 10, 1 / np.log2(np.minimum(ranks, 10) + 1), 0)
    found = {"seeds": len(cells)}
    for name, values in (("recall@10", hit), ("ndcg@10", gain)):
        each = values.mean(0)
        found[name] = round(float(each.mean()), 5)
        found[f"{name} interval"] = round(1.96 * float(each.std()) / len(each) ** 0.5, 5)
        found[f"{name} of each seed"] = [round(float(seed.mean()), 5) for seed in values]
    for name in ("fit_s", "answer_s"):
        found[name] = [cell[name] for cell in cells.values()]
    return found


def keep(kept: dict) -> None:
    RESULT.parent.mkdir(exist_ok=True)
    draft = RESULT.with_suffix(".draft")
    draft.write_text(json.dumps(kept, indent=1) + "\n")
    draft.replace(RESULT)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {"sets": {}}
    kept |= {"question": __doc__.splitlines()[0], "version": __version__, "machine": platform.processor() or platform.machine()}
    for name in asked.sets:
        data = load(name)
        split = data.interactions.split("last")
        rows = kept["sets"].setdefault(name, {"users": len(split.test), "items": len(data.items), "models": {}})["models"]
        for model, (make, seeded) in models(name).items():
            if asked.models and model not in asked.models:
                continue
            row = rows.setdefault(model, {"cells": {}})
            cells, wanted = row["cells"], range(asked.seeds if seeded else 1)
            if "settings" not in row:
                row["settings"] = chosen(model, make, split)
            for seed in wanted:
                if str(seed) not in cells:
                    folder = cache_folder() / "training" / f"{name}-{model}-{seed}".replace(" ", "-")
                    cells[str(seed)] = one(make(seed, **row["settings"]), split, folder)
                rows[model] = {"settings": row["settings"], **summary(cells), "cells": cells}
                keep(kept)
            found = rows[model]
            print(f"{name} {model:25s} {found['recall@10']:.4f} {found['ndcg@10']:.4f}  fit {found['fit_s']} s", file=sys.stderr)


if __name__ == "__main__":
    main()
