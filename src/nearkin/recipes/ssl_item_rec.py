"""A two-tower retriever that also tells two views of an item from those of others; from "Self-supervised Learning for Large-scale Item
Recommendations" (Yao, Yi, Cheng, Yu, Chen, Menon, Hong, Chi, Tjoa, Kang, Ettinger, CIKM 2021).

Items are their fields, those who ask the fields of the last five items they had; the views hide features that tell of one another together
(correlated feature masking) and drop values of bags. Compared, each with its weight chosen on validation: no second task, features of the
right items dropped in the first task, a spread-out regulariser (the same contrast of items with themselves), random masks, and dropout of
values alone; with a tenth, a quarter, a half and all of the links to learn from, for frequent and for rare targets. Beside them popularity
and two ways of counting. Widths and rates are ours, the paper's are for other data. Left out: label smoothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.two_tower import TwoTower
from nearkin.metrics import next_item
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.recipes.levels import drawn_people, shop
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Data, Links

CARD = Card(
    paper=13,
    title="Self-supervised two-tower: correlated feature masking",
    claim="telling masked views of items apart adds to a two-tower retriever with a tenth of the labels and on the tail, "
    "more than feature dropout and a spread-out regulariser do",
    task="own",
    data=("amazon-beauty",),
    metrics=("Recall@50", "MAP@10"),
    beats=("no second task", "feature dropout", "spread-out"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
    left_out=("label smoothing: named by the sheet as one more rival, not by the abstract",),
)
FORMS: dict[str, tuple[dict[str, Any], str, tuple[float, ...]]] = {  # settings, which of them is chosen on validation, from what
    "ours": ({"views": "correlated"}, "alpha", (0.1, 0.5)),
    "no second task": ({"views": ""}, "epochs", ()),
    "feature dropout": ({"views": ""}, "feature_dropout", (0.1, 0.3)),
    "spread-out": ({"views": "same"}, "alpha", (0.1, 0.5)),
    "random masks": ({"views": "random"}, "alpha", (0.1, 0.5)),
    "dropout of values": ({"views": "dropout"}, "alpha", (0.1, 0.5)),
}
AT = ("Recall@10", "Recall@50", "MAP@10", "MAP@50")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All ours but the form of the model."""

    people: int = 6000  # drawn at random
    fields: tuple[str, ...] = ("title", "brand", "level 1", "level 2", "level 3", "level 4")  # of the items
    shares: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)  # of the links of the people, whole people at a time
    dim: int = 64
    width: int = 32
    hidden: int = 128
    epochs: int = 8  # at all links; with fewer of them as many more, so that the steps are at least half as many
    size: int = 512
    lr: float = 2e-3
    view_temperature: float = 0.05
    tail: int = 5  # most training events of a rare target
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(people=0, fields=(), shares=(0.5, 1.0), dim=16, width=8, hidden=32, epochs=4, size=64, lr=0.01)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Two towers with correlated feature masking, at the first weight."""
    return tower("ours", settings, 1.0).fit(shop(data))


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The other forms of the same towers, and what counts."""
    trained = {name: tower(name, settings, 1.0) for name in FORMS if name != "ours"}
    return {name: model.fit(shop(data)) for name, model in (trained | counting()).items()}


def counting() -> dict[str, Any]:
    return {"popularity": Popularity(k=50), "cosine": ItemKnn(k=50), "directed kNN": DirectedKnn(k=50)}


def tower(name: str, settings: Settings, share: float, value: float | None = None) -> TwoTower:
    """One form of the towers, its weight or rate being `value`, or the first of those tried."""
    fixed, tuned, tried = FORMS[name]
    chosen = {} if not tried else {tuned: tried[0] if value is None else value}
    epochs = round(settings.epochs * max(1.0, 0.5 / share))
    return TwoTower(
        k=50, dim=settings.dim, width=settings.width, hidden=settings.hidden, size=settings.size, lr=settings.lr, fields=settings.fields,
        view_temperature=settings.view_temperature, epochs=epochs, seed=settings.seed, **fixed, **chosen,
    )  # fmt: skip


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """All forms at the first share, whole and by slices of the target; the three main rivals at every share, as a curve."""
    links = drawn_people(data, settings.people)
    split = links.split("last")
    asked = {"valid": (split.train.histories(), split.valid), "test": (split.test_histories(), split.test)}
    events = np.bincount(split.train.right_rows, minlength=len(split.train.right))[split.test.right_rows]
    lines, curves, figures, first = [], {name: ([], []) for name in (*CARD.beats, "ours")}, {}, {}
    for share in settings.shares:
        train = part(split.train, share)
        names = FORMS if share == settings.shares[0] else curves
        found, chosen = {}, {}
        for name in names:
            model, chosen[name] = best(name, settings, share, train, asked["valid"])
            found[name] = values(model, *asked["test"])
            if name == "ours":
                figures["mutual information, shrunk"] = np.round(model.information_, 3).tolist()
        found |= {name: values(model.fit(train), *asked["test"]) for name, model in counting().items()}
        first = first or found
        lines += measured(found, share, events, settings)
        figures[f"chosen at {share:.0%}"] = chosen
        for name, (xs, ys) in curves.items():
            xs.append(share)
            ys.append(float(found[name]["Recall@50"].mean()))
    return Measures(
        measured=lines,
        figures=figures | gains(first, events <= settings.tail),
        curves=[Curve(title="labels", x="share of links", y="Recall@50", lines=curves, log_x=True)],
    )


def best(name: str, settings: Settings, share: float, train: Links, valid: tuple[Catalog, Links]) -> tuple[TwoTower, float | None]:
    """The form with the value that does best on validation; the same number of tries for every form that has a weight."""
    tried = FORMS[name][2] or (None,)
    models = [tower(name, settings, share, value).fit(train) for value in tried]
    scores = [float(values(model, *valid)["Recall@50"].mean()) for model in models] if len(models) > 1 else [0.0]
    place = int(np.argmax(scores))
    return models[place], tried[place]


def part(links: Links, share: float) -> Links:
    """The links of some people, drawn so that any smaller share is part of a larger one."""
    chosen = np.random.default_rng(1).permutation(len(links.left))[: max(2, round(share * len(links.left)))]
    return links.take(np.isin(links.left_rows, chosen))


def values(model: Any, histories: Catalog, held: Links) -> dict[str, np.ndarray]:
    """Recall and average precision of each person's one next item; the latter is then the reciprocal rank."""
    hits = with_k(model, 51)(histories.take(held.left_rows))  # one more, so that ties across the border are seen
    figures: dict[str, np.ndarray] = {}
    for at in (10, 50):
        figures[f"Recall@{at}"] = next_item.recall(hits, held.right_rows, at=at)
        figures[f"MAP@{at}"] = next_item.mrr(hits, held.right_rows, at=at)
    return figures


def measured(found: Mapping[str, Mapping[str, np.ndarray]], share: float, events: np.ndarray, settings: Settings) -> list[Measured]:
    """All metrics, and Recall@50 of rare and frequent targets; at the smallest share the whole and the rare decide."""
    first = share == settings.shares[0]
    lines = []
    for metric in AT if first else ("Recall@50",):
        chosen = {name: one[metric] for name, one in found.items()}
        lines.append(Measured(metric=f"{metric}, {share:.0%} of links", values=chosen, decides=first and metric == "Recall@50"))
    for said, mask in (("rare", events <= settings.tail), ("frequent", events > settings.tail)):
        if mask.any():
            chosen = {name: one["Recall@50"][mask] for name, one in found.items()}
            lines.append(Measured(metric=f"Recall@50 of {said} targets, {share:.0%}", values=chosen, decides=first and said == "rare"))
    return lines


def gains(found: Mapping[str, Mapping[str, np.ndarray]], rare: np.ndarray) -> dict[str, Any]:
    """How much each form adds to no second task, relative, at the smallest share: over all, rare and frequent targets."""
    masks = {"all": np.ones(len(rare), bool), "rare": rare, "frequent": ~rare}
    base = found["no second task"]["Recall@50"]
    told = {name: one["Recall@50"] for name, one in found.items() if name in FORMS and name != "no second task"}
    return {
        "relative gain in Recall@50 at the smallest share": {
            name: {said: float(one[mask].mean() / max(base[mask].mean(), 1e-9) - 1) for said, mask in masks.items() if mask.any()}
            for name, one in told.items()
        }
    }


def world() -> Data:
    """People who walk around kinds of things, told by words, marks and sizes that go together."""
    from nearkin.recipes.m2trec import world as kinds

    return kinds()
