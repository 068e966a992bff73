"""How much better than its parts is the recommender that `tune` finds in twenty minutes, also for items that few people had?

    NEARKIN_DATA=... python benches/tuned.py [SET] [--minutes 20]      -> benches/results/tuned.json

Protocol: leave-last-out; the last item tests, the last but one of 5,000 random people chooses settings and weights, training sees neither;
test histories are all but the last item; ranking over all items, history masked, ties against the model. What `tune` may use of the
items: counts of the words of their titles, and MiniLM's vectors of them (encoding them is counted as part of the time unless cached).
Each kind's best setting stands beside the blend, with 95 % intervals over people; differences are paired.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from nearkin import __version__
from nearkin.data import load
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.evaluation.machine import machine
from nearkin.indexes.tuned import tune
from nearkin.metrics import next_item

RESULT = Path(__file__).parent / "results" / "tuned.json"
BUCKETS = {"0": 0, "1-5": 1, "6-20": 6, "over 20": 21}  # by training events of the target
FIELDS = {"amazon-sports": ("brand", "categories"), "yelp-2019": ("title", "categories")}  # the text of an item; else its title


def interval(values: np.ndarray) -> list[float]:
    """95 % of the mean, by 1,000 draws of people."""
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(1000)]
    return [round(float(each), 4) for each in np.percentile(means, [2.5, 97.5])]


def figures(recall: np.ndarray, ndcg: np.ndarray, bucket: np.ndarray) -> dict:
    by_events = {name: round(float(recall[bucket == at].mean()), 4) for at, name in enumerate(BUCKETS) if (bucket == at).any()}
    return {
        "recall@10": round(float(recall.mean()), 4), "recall@10 interval": interval(recall),
        "ndcg@10": round(float(ndcg.mean()), 4), "ndcg@10 interval": interval(ndcg), "recall@10 by training events": by_events,
    }  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("set", nargs="?", default="amazon-beauty")
    options.add_argument("--minutes", type=float, default=20)
    chosen = options.parse_args()
    split = load(chosen.set).interactions.split("last")
    items, fields = split.train.right, FIELDS.get(chosen.set, ("title",))
    encoders = {"words": BagOfWords(fields=fields).fit(items), "MiniLM": Cached(encoder=SentenceModel(fields=fields, max_tokens=64))}
    begun = time.monotonic()
    found = tune(split.train, valid=split.valid, minutes=chosen.minutes, encoders=encoders, say=lambda line: print(line, flush=True))
    minutes = (time.monotonic() - begun) / 60
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    bucket = np.digitize(np.bincount(split.train.right_rows, minlength=len(items))[targets], list(BUCKETS.values())[1:])
    rows, recalls = {}, {}
    models = {"blend": found.blend} | {f"{repr(part)[:120]}": part for _, part in found.parts}
    for name, model in models.items():
        model.k = 11  # one more than the cut, so that ties across it are seen
        hits = model(people)
        recalls[name] = next_item.recall(hits, targets)
        rows[name] = figures(recalls[name], next_item.ndcg(hits, targets), bucket)
        rows[name]["blend's recall@10 less this one's"] = interval(recalls["blend"] - recalls[name])
        print(name, rows[name], flush=True)
    report = json.loads(RESULT.read_text()) if RESULT.exists() else {"question": __doc__.splitlines()[0], "sets": {}}
    report |= {"version": __version__, "machine": machine()}
    report["sets"][chosen.set] = {
        "minutes": round(minutes, 1), "asked for": chosen.minutes, "ndcg@10 on held-out steps": round(found.ndcg, 4),
        "weights": {repr(part)[:120]: round(weight, 3) for weight, part in found.parts},
        "trials": [(each.kind, each.told, round(each.ndcg, 4), round(each.seconds)) for each in found.trials],
        "models": rows,
    }  # fmt: skip
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
