"""Which recommender guesses the next item best, and what does it cost? All models of nearkin on four sets of real histories.

    NEARKIN_DATA=... python benches/next_item.py [SET ...] [--minilm FOLDER]      -> benches/results/next-item.json

With --minilm the titles are also encoded by MiniLM (minutes), and the vectors kept as FOLDER/minilm-SET.npy.

Protocol: leave-last-out; the last item tests, the last but one is held from training too; test histories are all but the last item;
ranking over all items, history masked (where people repeat, also unmasked); ties count against the model. Nothing is tuned on test:
blends choose their weights on held-out training steps, the other settings are the defaults. Baselines stand beside: popularity and
the plain cosine.
Seconds are processor seconds, one thread, of one fit and of answering all users once.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from copy import copy
from pathlib import Path

import numpy as np

from nearkin import __version__
from nearkin.data import load
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.als import Als
from nearkin.indexes.blend import Blend
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.popularity import Popularity
from nearkin.metrics import next_item
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Links, Vectors

SETS = ("amazon-beauty", "ml-100k", "amazon-sports", "yelp-2019")
RESULT = Path(__file__).parent / "results" / "next-item.json"
BUCKETS = {"0": 0, "1-5": 1, "6-20": 6, "over 20": 21}  # by training events of the target
FIELDS = {"amazon-sports": ("brand", "categories"), "yelp-2019": ("title", "categories")}  # the text of an item; else its title


class Remembered(Encoder):
    """Vectors worked out once: three blends use the same ones."""

    def __init__(self, vectors: Vectors, items: Catalog) -> None:
        self.vectors, self.items = vectors, items

    def __call__(self, catalog: Catalog) -> Vectors:
        return self.vectors.take(self.items.rows_of(catalog.ids))


def solve_once() -> None:
    """The same EASE stands alone and in each blend: solve it once for each set of links, and charge its time to each."""
    plain, solved = Ease.fit, {}

    def fit(self: Ease, links) -> Ease:
        key = (repr(self), len(links), int(links.right_rows.sum()))
        if key not in solved:
            start = time.process_time()
            solved[key] = (plain(copy(self), links), time.process_time() - start)
        model, seconds = solved[key]
        fit.charged += seconds
        self.items_, self.matrix_ = model.items_, model.matrix_
        return self

    fit.charged, Ease.fit = 0.0, fit


def by_minilm(items: Catalog, fields: tuple[str, ...], cache: Path) -> Vectors:
    if not cache.exists():
        np.save(cache, SentenceModel(fields=fields, max_tokens=64)(items).rows)
    return Vectors(np.load(cache), items)


def models(items: Catalog, fields: tuple[str, ...], cache: Path | None) -> dict:
    found = {
        "popularity": Popularity,
        "item-knn, cosine": ItemKnn,
        "item-knn, flat (exponents 0.5, decay 1)": lambda: ItemKnn(source=0.5, decay=1.0),
        "directed item-knn": DirectedKnn,
        "ALS": Als,
        "EASE": Ease,
        "blend": Blend.usual,
        "blend, even weights": lambda: Blend(parts=(Ease(), DirectedKnn()), weights=(0.5, 0.5)),
    }
    vectors = {"static words": StaticWords(fields=fields)(items), "words": BagOfWords(fields=fields).fit(items)(items)}
    if cache is not None:
        vectors["MiniLM"] = by_minilm(items, fields, cache)
    kept = {name: Remembered(rows, items) for name, rows in vectors.items()}
    found |= {f"blend with {name}": lambda rows=rows: Blend.usual(rows) for name, rows in kept.items()}
    found |= {f"content, {name}": lambda rows=rows: ContentProfile(encoder=rows) for name, rows in kept.items()}
    return found


def figures(hits, targets: np.ndarray, events: np.ndarray) -> dict:
    recall, ndcg = next_item.recall(hits, targets), next_item.ndcg(hits, targets)
    bucket = np.digitize(events[targets], list(BUCKETS.values())[1:])
    by_events = {
        name: {"users": int((bucket == at).sum()), "recall@10": _mean(recall[bucket == at]), "ndcg@10": _mean(ndcg[bucket == at])}
        for at, name in enumerate(BUCKETS)
    }
    return {"recall@10": _mean(recall), "ndcg@10": _mean(ndcg), "by training events of the target": by_events}


def _mean(values: np.ndarray) -> float | None:
    return round(float(values.mean()), 5) if len(values) else None


def measure(name: str, make, split) -> dict:
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    events = np.bincount(split.train.right_rows, minlength=len(split.train.right))
    Ease.fit.charged, start = 0.0, time.process_time()
    model = make().fit(split.train)
    fit_s = time.process_time() - start + Ease.fit.charged
    model.k = 11  # one more than the cut, so that ties across it are seen
    start = time.process_time()
    found = figures(model(people), targets, events)
    answer_s = time.process_time() - start
    more = {"weights": [round(float(each), 3) for each in model.weights_]} if isinstance(model, Blend) else {}
    if has_repeats(split.train):
        model.repeats = True
        more["unmasked"] = {key: value for key, value in figures(model(people), targets, events).items() if "@" in key}
    print(f"{name:45s} {found['recall@10']:.4f} {found['ndcg@10']:.4f}  fit {fit_s:.1f} s, answer {answer_s:.1f} s", file=sys.stderr)
    seconds = {"fit_s": round(fit_s, 1), "answer_s": round(answer_s, 1)}
    return {**found, **seconds, **more}


def has_repeats(links: Links) -> bool:
    """Whether anybody had anything twice; only then is a list with the history left in of use."""
    return len(np.unique(links.left_rows.astype(np.int64) * len(links.right) + links.right_rows)) < len(links)


def keep(name: str, facts: dict, model: str, found: dict) -> None:
    """Add one model's figures to the result file, so that a run cut short leaves what it has."""
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept.update({"question": __doc__.splitlines()[0], "version": __version__, "machine": platform.processor() or platform.machine()})
    kept.setdefault("sets", {}).setdefault(name, {"models": {}}).update(facts)
    kept["sets"][name]["models"][model] = found
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--minilm", type=Path)
    asked = parser.parse_args()
    solve_once()
    for name in asked.sets:
        data = load(name)
        split = data.interactions.split("last")
        print(f"{name}: {len(split.test):,} users, {len(data.items):,} items, {len(split.train):,} training links", file=sys.stderr)
        made = models(data.items, FIELDS.get(name, ("title",)), asked.minilm and asked.minilm / f"minilm-{name}.npy")
        facts = {"users": len(split.test), "items": len(data.items), "training links": len(split.train)}
        for model, make in made.items():
            keep(name, facts, model, measure(model, make, split))


if __name__ == "__main__":
    main()
