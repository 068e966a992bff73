"""Sessions of items known by their fields alone; from "M2TRec: Metadata-aware Multi-task Transformer for Large-scale and Cold-start free
Session-based Recommendations" (Shalaby, Oh, Afsharinejad, Kumar, Cui, 2022).

An item is the values of its fields (words of its title, brand, levels of its category), a Transformer reads a session, the mean of what
it says foretells the next item, and beside it that item's primary category and sub-categories. Compared: the same without the second
tasks, a Transformer with a vector an item of at least the size, popularity, and two ways of counting; by how often the target occurred in
training, and by the length of the session. The paper gives no settings. Ours: a title is also the mean of word vectors that were learned
elsewhere and stay as they are (only their map is learned and counted), scores tied to the items' vectors by cosine, both models
started from co-occurrence, and people drawn at random, which makes many items rare or new, as in the paper's logs. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.m2trec import M2TRec
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.sas_rec import SasRec
from nearkin.metrics import next_item
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.recipes.levels import drawn_people, shop
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Data, Links, Split

CARD = Card(
    paper=1,
    title="M2TRec: sessions of items without ids",
    claim="on items with at most 5 training events Recall@20 is 1.5 times that of a model with ids of equal size, above 0 on unseen ones, "
    "within a tenth of it on frequent ones, and foretelling categories too is no worse and converges faster",
    task="own",
    data=("amazon-beauty",),
    metrics=("Recall@20", "NDCG@10"),
    beats=("1.5 times ids", "nothing", "0.9 times ids", "single task"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
)
GROUPS = {"0-5": (0, 5), "0": (0, 0), "1-5": (1, 5), "6-20": (6, 20), ">20": (21, 10**9)}  # training events of the target
LENGTHS = {"1-3": (1, 3), "4-7": (4, 7), ">7": (8, 10**9)}  # items of the session so far


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All ours but the form of the model: the paper's values were not found."""

    people: int = 4000  # drawn at random
    dim: int = 64
    epochs: int = 4
    lr: float = 2e-3
    dropout: float = 0.3
    batch: int = 200  # sessions; of the model with ids, items
    head_weight: float = 0.1
    heads: int = 3  # levels of the category that are foretold
    k: int = 20
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(people=0, dim=16, epochs=4, lr=0.02, dropout=0.1, batch=16)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """M2TRec with all its tasks."""
    return ours(settings, shop(data).right).fit(shop(data), valid=data.train_truth)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The single task, and what knows items by their ids."""
    models = systems(settings, shop(data).right)
    return {name: fitted(model, shop(data), data.train_truth) for name, model in models.items() if name != "ours"}


def systems(settings: Settings, items: Catalog) -> dict[str, Any]:
    """All models, not fitted; those that are trained have the same width, epochs, rate and start."""
    common = {"dim": settings.dim, "epochs": settings.epochs, "lr": settings.lr, "dropout": settings.dropout, "seed": settings.seed}
    return {
        "ours": ours(settings, items),
        "single task": replace(ours(settings, items), heads=()),
        "model with ids": SasRec(k=settings.k, length=20, tokens=settings.batch, **common),
        "popularity": Popularity(k=settings.k),
        "cosine": ItemKnn(k=settings.k),
        "directed kNN": DirectedKnn(k=settings.k),
    }


def ours(settings: Settings, items: Catalog) -> M2TRec:
    levels = [name for name in items.fields("category") if name.startswith("level ")]
    texts = tuple(items.fields("text"))
    fields = tuple(name for name in items.fields("text", "category", "number") if name != "categories")
    return M2TRec(
        k=settings.k, dim=settings.dim, epochs=settings.epochs, lr=settings.lr, dropout=settings.dropout, size=settings.batch,
        content=StaticWords(fields=texts) if texts else None, fields=fields, heads=tuple(levels[: settings.heads]),
        head_weight=settings.head_weight, seed=settings.seed,
    )  # fmt: skip


def fitted(model: Any, links: Links, valid: Links | None) -> Any:
    """Validated after each epoch where that is asked for: the epochs are few, and the curve is what is shown."""
    return model.fit(links, valid=valid) if valid is not None and isinstance(model, M2TRec | SasRec) else model.fit(links)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall by training events of the target and by length of the session, and the two curves of validation."""
    split = drawn_people(data, settings.people).split("last")
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    models = {name: fitted(model, split.train, some(split.valid)) for name, model in systems(settings, split.train.right).items()}
    found = {name: values(model, people, targets) for name, model in models.items()}
    events, steps = np.bincount(split.train.right_rows, minlength=len(split.train.right))[targets], lengths(people)
    groups = {f"Recall@20 of targets with {name} events": within(events, bounds) for name, bounds in GROUPS.items()}
    lines = claims(found, events) + [line(found, metric, None) for metric in ("Recall@20", "NDCG@10", "MRR@20")]
    lines += [line(found, "Recall@20", mask, name) for name, mask in groups.items() if mask.any()]
    curves = {name: models[name].validations_ for name in ("ours", "single task")}
    return Measures(
        measured=lines,
        figures={**sizes(models, split), **by_length(found, steps), "validation by epoch": curves},
        curves=[Curve(title="validation", x="epoch", y="NDCG@10", lines={n: (range(1, len(v) + 1), v) for n, v in curves.items()})],
    )


def some(valid: Links, count: int = 1200) -> Links:
    """Validation links drawn at random: enough for a curve."""
    return valid.take(np.sort(np.random.default_rng(0).permutation(len(valid))[:count]))


def values(model: Any, people: Catalog, targets: np.ndarray) -> dict[str, np.ndarray]:
    hits = with_k(model, 21)(people)  # one more, so that ties across the border are seen
    return {
        "Recall@20": next_item.recall(hits, targets, at=20),
        "NDCG@10": next_item.ndcg(hits, targets, at=10),
        "MRR@20": next_item.mrr(hits, targets, at=20),
    }


def line(found: Mapping[str, Mapping[str, np.ndarray]], metric: str, mask: np.ndarray | None, said: str | None = None) -> Measured:
    chosen = {name: one[metric] if mask is None else one[metric][mask] for name, one in found.items()}
    return Measured(metric=said or metric, values=chosen, decides=False)


def within(numbers: np.ndarray, bounds: tuple[int, int]) -> np.ndarray:
    return (numbers >= bounds[0]) & (numbers <= bounds[1])


def lengths(people: Catalog) -> np.ndarray:
    return np.array([len(history) for history in people["history"]])


def claims(found: Mapping[str, Mapping[str, np.ndarray]], events: np.ndarray) -> list[Measured]:
    """The parts of the claim, each against what it is measured by: a share of the model with ids, nothing at all, the single task."""
    parts = (
        ("of targets with 0-5 events", events <= 5, "1.5 times ids", 1.5),
        ("of targets with 0 events", events == 0, "nothing", 0.0),
        ("of targets with >20 events", events > 20, "0.9 times ids", 0.9),
    )
    lines = [single_task(found, metric) for metric in ("Recall@20", "NDCG@10")]
    for said, mask, name, share in parts:
        if mask.any():
            ours, ids = (found[each]["Recall@20"][mask] for each in ("ours", "model with ids"))
            lines.append(Measured(metric=f"Recall@20 {said}", values={"ours": ours, name: share * ids}, decides=True))
    return lines


def single_task(found: Mapping[str, Mapping[str, np.ndarray]], metric: str) -> Measured:
    return Measured(metric=metric, values={name: found[name][metric] for name in ("ours", "single task")}, decides=True)


def sizes(models: Mapping[str, Any], split: Split) -> dict[str, Any]:
    """Learned numbers of each model, and how many items have the same vector as another."""
    own = models["model with ids"]
    numbers = own.known_.sum() * own.dim + sum(each.size for each in own.weights_.values())
    table = models["ours"].table_[np.unique(split.train.right_rows)]
    same = 1 - len(np.unique(table, axis=0)) / len(table)
    return {"learned numbers, ours then ids": [models["ours"].size_of_model, int(numbers)], "collision rate": float(same)}


def by_length(found: Mapping[str, Mapping[str, np.ndarray]], steps: np.ndarray) -> dict[str, Any]:
    """Recall@20 by items of the session so far: how many sessions, the model with ids, ours."""
    masks = {name: within(steps, bounds) for name, bounds in LENGTHS.items()}
    return {
        "Recall@20 by length (sessions, ids, ours)": {
            name: [int(mask.sum()), *(float(found[one]["Recall@20"][mask].mean()) for one in ("model with ids", "ours"))]
            for name, mask in masks.items()
            if mask.any()
        }
    }


def world() -> Data:
    """People go from one kind of thing to the next: words tell kinds, and each kind has many things, most of them rare."""
    circles, steps, copies, users, walk = 3, 4, 36, 80, 9
    random = np.random.default_rng(0)
    ids = [(c, s, v) for c in range(circles) for s in range(steps) for v in range(copies)]
    items = Catalog.of(
        [f"i{row}" for row in range(len(ids))],
        title=[f"mark{c} step{s} make{v}" for c, s, v in ids],
        categories=[[f"mark{c}", f"mark{c} step{s}"] for c, s, _ in ids],
    )
    circle, start = random.integers(0, circles, users), random.integers(0, steps, users)
    step = (start[:, None] + np.arange(walk)) % steps
    rows = (circle[:, None] * steps + step) * copies + random.integers(0, copies, step.shape)
    people = Catalog.of([f"u{row}" for row in range(users)])
    links = Links(people, items, np.repeat(np.arange(users), walk), rows.ravel(), time=np.tile(np.arange(walk), users))
    return Data(name="kinds", items=items, interactions=links)
