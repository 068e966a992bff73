"""Foretell who buys a film that is not out yet, from its plot and cast and what people went to see; from "Collaborative Metric Learning
Recommendation System: Application to Theatrical Movie Releases" (Campo, Espinoza, Rieger, Taliyan, 2018).

Plots become sentence vectors (the paper: word vectors of its own), cast, crew and genres columns whose vocabulary and main axes are of
films before the split; beside them stands what company a film keeps in who had what, for a new film guessed from its content. A customer
is the mean of the films they had, moved by a net; both stand in a unit ball, and the chance of a purchase falls with their distance and
moves with how many films the customer had, of the year before and of earlier ones (frequency and recency), and with the film's content.
Distances are learned with both losses, cross-entropy and the weighted hinge of Hsieh et al. (2017), with its covariance term. The last
layer is a logistic regression, as in the paper: on a validation era, in which films are new as well, each system's parts (ours:
customer, film, nearness) get slopes and an intercept.
The split is strict on both sides: customers are asked after the day up to which all that is learned from was bought, about films
released after those that are learned from. What the order within a visit says is not used: here people enter ratings page by page.
For the same reason recency is told by release and not by the clock. The test era was read twice: in a first version how much a customer
takes was guessed from directions that hold the newest films, and its chances on both eras were far above all it had learned from.
Sentence vectors are of a model trained later than the films; IMDb's ratings, made since, are not used. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin.encoders.cached import Cached
from nearkin.encoders.fields import Fields
from nearkin.encoders.join import Join
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.collaborative_metric import CollaborativeMetric
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.main_effects import chance, logistic
from nearkin.indexes.popularity import Popularity
from nearkin.recipes.card import Card
from nearkin.recipes.contract import OURS, Curve, Measures
from nearkin.recipes.film_forecasts import binned, caught, gaps, measured, order_by_customer
from nearkin.recipes.film_releases import Era, era, release_years, theme_world
from nearkin.recipes.film_rivals import RIVALS
from nearkin.stage import Stage
from nearkin.tables import Data

CARD = Card(
    paper=50,
    title="Collaborative metric learning for theatrical releases",
    claim="for films released after the split, distances learned from plots and histories foretell purchases better than either alone",
    kind="system",
    task="own",
    data=("ml-100k",),
    metrics=("AUC", "log-loss"),
    beats=("content only", "history only"),
    seeds=(0, 1, 2),
    tiny_s=3.0,
)
PENALTIES = (1.0, 10.0, 100.0, 1000.0)  # of rivals that have one; chosen by log-loss on the validation era
DECIDING = ("content only", "history only")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper gives no values that we know of, so all are ours, chosen on the validation era."""

    text: str = "sentences"  # or "words", which needs no torch model of texts
    values: int = 500  # of each field of cast and crew that have a column of their own
    epochs: int = 8
    lr: float = 3e-4
    axes: int = 60
    rank: int = 24
    hidden: int = 64
    hinge: float = 0.01
    decorrelate: float = 0.01
    dropout: float = 0.3
    tune: tuple[float, float, float] = (0.5, 0.7, 1996)  # learn until this share of events, ask until that one, about films of this year
    test: tuple[float, float, float] = (0.7, 1.0, 1997)  # and later ones
    least: int = 10  # purchases of a customer who is asked
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(text="words", axes=16, rank=8, hidden=32, values=50, least=3)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The model learned from the whole log."""
    return model_of(data, np.ones(len(data.items), bool), settings).fit(data.need("interactions").interactions)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """Recommenders by content, by shared people, by popularity, and the same net with inner products; `report` has more."""
    links, everything = data.need("interactions").interactions, np.ones(len(data.items), bool)
    return {
        "inner product": replace(model_of(data, everything, settings), inner=True).fit(links),
        "content kNN": ContentProfile(encoder=contents_of(data, everything, settings), decay=1.0, power=1).fit(links),
        "kNN": ItemKnn().fit(links),
        "popularity": Popularity().fit(links),
    }


def contents_of(data: Data, old: np.ndarray, settings: Settings) -> Join:
    """Step 1: plots as sentence vectors beside cast, crew and genres; the values that have columns are of these films alone."""
    texts = Cached(encoder=SentenceModel(fields=("plot",))) if settings.text == "sentences" else StaticWords(fields=("plot",))
    names = [name for name in ("director", "writer", "cast", "genres", "age_rating", "release_year") if name in data.items.roles]
    fields = Fields(fields=tuple(names), most=settings.values).fit(data.items.take(np.flatnonzero(old)))
    return Join(parts=(texts, fields))


def model_of(data: Data, old: np.ndarray, settings: Settings, **more: Any) -> CollaborativeMetric:
    """Steps 2 to 4, unfitted: towers of films and histories, the ball, both losses."""
    names = ("epochs", "lr", "axes", "rank", "hidden", "hinge", "decorrelate", "dropout", "seed")
    return CollaborativeMetric(content=contents_of(data, old, settings), **{name: getattr(settings, name) for name in names} | more)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Forecasts for the films of the test era, all calibrated on the validation era: order, log-loss, calibration, lift."""
    last = float(np.nanmax(release_years(data)))
    tune = era(data, since=settings.tune[0], until=settings.tune[1], year=settings.tune[2], last=settings.test[2] - 1, least=settings.least)
    test = era(data, since=settings.test[0], until=settings.test[1], year=settings.test[2], last=last, least=settings.least)
    before, chosen = scores(data, tune, settings.tune[2], settings)
    after, _ = scores(data, test, settings.test[2], settings, chosen)
    raw = {name: chance(sum(after[name])) for name in NETS}
    chances = {name: calibrated(tune, before[name], after[name]) for name in after}
    parts = {name: binned(test, found) for name, found in chances.items()}
    lines = measured(test, chances)
    errors = gaps(parts, (*DECIDING, "content plus history", "without frequency and recency"))
    figures = {
        "test: customers, pairs, purchases, films": [
            len(test.people),
            len(test.labels),
            int(test.labels.sum()),
            int(test.open.any(0).sum()),
        ],
        "validation: customers, pairs, purchases": [len(tune.people), len(tune.labels), int(tune.labels.sum())],
        "calibration error, and 95 % interval of ours minus it": errors,
        "calibration error before calibrating": {name: gaps({OURS: binned(test, found)}, ())[OURS][0] for name, found in raw.items()},
        "penalties chosen": chosen,
        "share of buyers among the top 10 %, 20 % of customers": {
            name: [caught(test, found, top) for top in (0.1, 0.2)] for name, found in chances.items()
        },
        "AUC by how much customers had (fewest, middle, most)": tiers(test, chances),
    }
    return Measures(measured=lines, figures=figures, curves=[reliability(parts), lift(test, chances)])


NETS: Mapping[str, Mapping[str, Any]] = {
    OURS: {},
    "cross-entropy alone": {"hinge": 0.0, "decorrelate": 0.0},
    "inner product": {"inner": True, "hinge": 0.0, "decorrelate": 0.0},
    "without frequency and recency": {"frequency": False},
    "distances not learned": {"epochs": 1, "lr": 1e-9},
}
ADDED = {
    "content plus history": ("content only", "history only"),
    "content, history and kNN": ("content only", "history only", "content kNN"),
}


def scores(
    data: Data, when: Era, year: float, settings: Settings, chosen: Mapping[str, float] | None = None
) -> tuple[dict[str, list[np.ndarray]], dict[str, float]]:
    """For each system the parts of its log odds, or its scores, of the customers and films of an era, and the penalties of the rivals.

    Penalties not given are chosen: the one with the lowest log-loss after calibration on this very era.
    """
    old = release_years(data) < year
    found: dict[str, list[np.ndarray]] = {}
    for name, more in NETS.items():
        model = model_of(data, old, settings, **more)
        parts = model.fit(when.train, released=when.years).parts(when.histories)
        found[name] = [np.broadcast_to(part, when.open.shape) for part in parts]
    contents = contents_of(data, old, settings)(data.items).rows
    picked = {}
    for name, rival in RIVALS.items():
        tried = {penalty: rival(when, contents, penalty) for penalty in ([chosen[name]] if chosen else PENALTIES)}
        picked[name] = min(tried, key=lambda penalty: loss_after(when, [tried[penalty]]))
        found[name] = [tried[picked[name]]]
    for name, added in ADDED.items():
        found[name] = [found[each][0] for each in added]
    return found, picked


def loss_after(when: Era, features: list[np.ndarray]) -> float:
    """Mean log-loss of scores once they are calibrated on the same pairs."""
    chances, labels = calibrated(when, features, features)[when.pairs], when.labels
    return float(-np.log(np.clip(np.where(labels == 1, chances, 1 - chances), 1e-7, 1)).mean())


def calibrated(tune: Era, before: list[np.ndarray], after: list[np.ndarray]) -> np.ndarray:
    """Step 5: chances [q, n] from scores, by slopes and an intercept learned from the pairs of the validation era."""
    rows = np.column_stack([each[tune.pairs] for each in before]).astype(float)
    centre, spread = rows.mean(0), rows.std(0)
    spread = np.where(spread > 1e-6, spread, np.inf)  # a part that is the same for all says nothing
    *slopes, base = logistic((rows - centre) / spread, tune.labels.astype(float), np.ones(len(rows)), 1e-3)
    odds = base + sum(slope * (each - low) / wide for slope, each, low, wide in zip(slopes, after, centre, spread, strict=True))
    return chance(odds)


def tiers(test: Era, chances: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """AUC over the pairs of each third of the customers by the length of their history."""
    rank = np.argsort(np.argsort(np.diff(test.histories.offsets), kind="stable"), kind="stable") * 3 // len(test.people)
    customers, films = test.pairs
    found: dict[str, list[float]] = {name: [] for name in chances}
    for tier in range(3):
        inside = rank[customers] == tier
        for name, each in chances.items():
            given = each[customers, films][inside]
            below, bought = order_by_customer(test.labels[inside], given, customers[inside], len(test.people))
            found[name].append(float(below.sum() / max(bought.sum(), 1)))
    return found


def reliability(parts: Mapping[str, np.ndarray]) -> Curve:
    """Chances given against what happened."""
    lines = {}
    for name in (OURS, *DECIDING, "content plus history"):
        given, bought, pairs = parts[name].sum(1)
        there = pairs > 0
        lines[name] = ((given[there] / pairs[there]).tolist(), (bought[there] / pairs[there]).tolist())
    top = max(max(xs) for xs, _ in lines.values())
    return Curve(title="reliability, new films", x="chance given", y="share bought", lines=lines | {"true": ([0.0, top], [0.0, top])})


def lift(test: Era, chances: Mapping[str, np.ndarray]) -> Curve:
    """Share of a film's buyers among the first customers."""
    tops = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
    names = (OURS, "inner product", "history only", "content kNN")
    return Curve(
        title="audience",
        x="share of customers",
        y="share of buyers",
        lines={n: (tops, [caught(test, chances[n], t) for t in tops]) for n in names},
    )


def world() -> Data:
    """Customers of one theme each, films that tell theirs: neither side alone knows who meets whom."""
    return theme_world()
