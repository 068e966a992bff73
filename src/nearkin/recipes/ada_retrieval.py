"""Ask a sequence model in rounds, telling it what it has shown; from "Ada-Retrieval: An Adaptive Multi-Round Retrieval Paradigm for
Sequential Recommendations" (Li, Lian, Zhou, Xie, AAAI 2024).

A list of 100 is found in 5 rounds of 20. Before each round the items of the history attend to those shown so far (each earlier round
through a learned filter of frequencies), and behind the network a GRU over the user's earlier vectors changes the new one. First stage:
the backbone alone; second stage: the adapters, the rounds' losses discounted by 0.3 each. Three backbones, by nothing but their network:
SASRec, GRU4Rec, BERT4Rec. Rivals: "backbone", the very model that ours asks in rounds, and "backbone, further", one trained for more
epochs, both as they were at their best epoch by validation; popularity, cosine and directed kNN stand beside. On a share of the people:
rounds 1, 2 and 5 over the same 100 places, each part left out, all of them, and histories left unmasked in training, as the authors do.
Ours: a round learns from the people whose next item no earlier round showed, by a softmax over what was not shown; the authors ask every
round for the same item, shown or not, which gains a third as much. The backbone stays as it is while the adapters learn, one epoch of all
prefixes; all weights learning on, as theirs do, gains less. Three rounds learn and five answer. Also ours: people drawn at random so
that a run takes minutes (all of the drawn ones train and test), leave-last-out over all items with the history masked, backbones of one
block with a softmax over all items and a start from co-occurrence. The paper's Hit@50, .1688 and .1784, are of all people and its own
protocol. Left out: NextItNet, SR-GNN and FMLP-Rec, since three backbones show what five do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self, TypeVar

import numpy as np

from nearkin import worlds
from nearkin.indexes.ada_retrieval import PARTS, AdaRetrieval
from nearkin.indexes.bert4rec import Bert4Rec
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.from_history import copied
from nearkin.indexes.gru4rec import Gru4Rec
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.sas_rec import SasRec
from nearkin.indexes.sequence_model import SequenceModel
from nearkin.metrics import next_item
from nearkin.metrics.coverage import catalogue_coverage
from nearkin.metrics.diversity import intra_list_distance
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.stage import Stage, with_k
from nearkin.stage.cache import cache_folder
from nearkin.tables import Data, Hits, Links, Split

CARD = Card(
    paper=4,
    title="Ada-Retrieval: adaptive multi-round retrieval",
    claim="asked in rounds that know what was shown, each of three sequence models finds more of what comes next in a list of 50 or 100",
    kind="system",
    task="own",
    data=("amazon-beauty",),
    metrics=("Hit@50", "NDCG@50", "Hit@100", "NDCG@100"),
    beats=("backbone", "backbone, further"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
    left_out=("NextItNet, SR-GNN and FMLP-Rec as backbones: three others stand for them",),
)
BACKBONES: dict[str, type[SequenceModel]] = {"SASRec": SasRec, "GRU4Rec": Gru4Rec, "BERT4Rec": Bert4Rec}
M = TypeVar("M", SequenceModel, AdaRetrieval)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's values but where "ours" says so."""

    places: int = 100  # of a list
    rounds: int = 5
    discount: float = 0.3
    dim: int = 64
    dropout: float = 0.3  # ours; of the backbone
    adapting: float = 0.2  # dropout of the adapters; the paper's .1777
    first: int = 5  # ours; epochs of the first stage, twice as many for BERT4Rec, which foretells a part of the places
    further: int = 2  # ours; more epochs of the backbone that is trained on
    epochs: int = 1  # ours; of the second stage
    lr: float = 2e-3  # ours; of the second stage
    people: int = 3000  # ours; drawn at random
    share: int = 600  # ours; people of the sweep and the ablations, drawn from them
    sweep: tuple[int, ...] = (1, 2, 5)
    seed: int = 0  # of the models; the people are the same for all seeds

    @classmethod
    def tiny(cls) -> Self:
        return cls(places=8, rounds=2, dim=16, dropout=0.1, first=4, epochs=2, lr=5e-3, people=150, share=100, sweep=(1, 2))


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """SASRec in rounds."""
    links = data.need("interactions").interactions
    return adapted(trained(backbone("SASRec", settings), links, data.train_truth), links, settings)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """SASRec alone, and trained further, and what needs no training."""
    links = data.need("interactions").interactions
    more = {"backbone": 0, "backbone, further": settings.further}
    alone = {name: trained(backbone("SASRec", settings, further=each), links, data.train_truth) for name, each in more.items()}
    return {**alone, **counted(links, settings)}


def backbone(name: str, settings: Settings, *, further: int = 0) -> SequenceModel:
    """One of the three, for the epochs of the first stage and some more."""
    times = 2 if name == "BERT4Rec" else 1
    return BACKBONES[name](
        dim=settings.dim, dropout=settings.dropout, epochs=times * (settings.first + further), k=settings.places, seed=settings.seed
    )


def adapted(model: SequenceModel, train: Links, settings: Settings, **other: Any) -> AdaRetrieval:
    """The second stage on a fitted backbone."""
    rounds = other.pop("rounds", settings.rounds)
    stage = AdaRetrieval(
        backbone=model, k=settings.places, rounds=rounds, batch=settings.places // rounds, discount=settings.discount,
        dropout=settings.adapting, epochs=settings.epochs, lr=settings.lr, seed=settings.seed, **other,
    )  # fmt: skip
    return trained(stage, train, None)


def trained(stage: M, train: Links, valid: Links | None) -> M:
    """Fitted with a checkpoint in the cache, so that a run that was cut short goes on where it stood."""
    key = blake2b(f"{stage!r} {train.right.fingerprint} {valid is None}".encode(), digest_size=12)
    for rows in (train.left_rows, train.right_rows):
        key.update(rows.tobytes())
    return stage.fit(train, valid=valid, folder=cache_folder() / "ada-retrieval" / key.hexdigest())


def counted(links: Links, settings: Settings) -> dict[str, Stage]:
    kinds = {"popularity": Popularity, "cosine kNN": ItemKnn, "directed kNN": DirectedKnn}
    return {name: kind(k=settings.places).fit(links) for name, kind in kinds.items()}


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """The three backbones with and without rounds; with the first seed, the sweep and the ablations too."""
    split = some(data.need("interactions").interactions, settings.people).split("last")
    beside = {name: measured(stage, split, settings) for name, stage in counted(split.train, settings).items()}
    lines: list[Measured] = []
    figures: dict[str, Any] = {"people": len(split.test)}
    for name in BACKBONES:
        found, figures[name] = compared(name, split, settings)
        lines += [line(metric, name, found | beside) for metric in found["ours"]]
    curves = []
    if settings.seed == 0:
        sweep, figures["ablations"] = taken_apart(some(data.interactions, settings.share).split("last"), settings)
        figures["rounds"], curves = sweep, [curve(sweep, settings)]
    return Measures(measured=lines, figures=figures, curves=curves)


def line(metric: str, name: str, found: Mapping[str, Mapping[str, np.ndarray]]) -> Measured:
    """One metric on one backbone; the recall of half the list decides, as in the paper's stopping."""
    values = {system: each[metric] for system, each in found.items()}
    return Measured(metric=f"{metric}, {name}", values=values, decides=metric.startswith("Hit") and not metric.endswith("100"))


def some(links: Links, people: int) -> Links:
    """The links of people drawn at random: users often stand in an order that matters."""
    drawn = np.random.default_rng(0).permutation(len(links.left))[:people]
    return links.take(np.isin(links.left_rows, drawn))


def compared(name: str, split: Split, settings: Settings) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """A backbone after the first stage, one trained further, and ours; and what the lists are like."""
    first, longer = (trained(backbone(name, settings, further=more), split.train, split.valid) for more in (0, settings.further))
    ours = adapted(first, split.train, settings)
    stages: dict[str, Stage] = {"ours": ours, "backbone": first, "backbone, further": longer}
    hits, vectors = {system: answer(stage, split, settings) for system, stage in stages.items()}, first.item_vectors().rows
    shape = {system: lists(each, vectors, settings) for system, each in hits.items()}
    found = {system: judged(each, split, settings) for system, each in hits.items()}
    return found, {"distance within lists, coverage": shape, "seconds a thousand people": speed(ours, first, split)}


def answer(stage: Any, split: Split, settings: Settings) -> Hits:
    people = split.test_histories().take(split.test.left_rows)
    return with_k(stage, settings.places + 1)(people)


def measured(stage: Any, split: Split, settings: Settings) -> dict[str, np.ndarray]:
    return judged(answer(stage, split, settings), split, settings)


def judged(hits: Hits, split: Split, settings: Settings) -> dict[str, np.ndarray]:
    """Hit and NDCG person by person, in half the list and the whole; the rank is the place in the list, round after round."""
    targets, found = split.test.right_rows, {}
    for at in (settings.places // 2, settings.places):
        found |= {f"Hit@{at}": next_item.recall(hits, targets, at=at), f"NDCG@{at}": next_item.ndcg(hits, targets, at=at)}
    return found


def lists(hits: Hits, vectors: np.ndarray, settings: Settings) -> list[float]:
    """How far apart the items of a list are, by the backbone's vectors, and the share of the catalogue that is in any list."""
    rows = hits.rows[:, : settings.places]
    return [float(intra_list_distance(rows, vectors).mean()), catalogue_coverage(rows, len(vectors))]


def speed(ours: AdaRetrieval, first: SequenceModel, split: Split) -> dict[str, float]:
    """Processor seconds to answer a thousand people: the backbone, ours, and ours divided by its rounds."""
    people = split.test_histories().take(split.test.left_rows[:1000])
    found = {}
    for name, stage in (("backbone", first), ("ours", ours)):
        start = time.process_time()
        stage(people)
        found[name] = (time.process_time() - start) * 1000 / len(people)
    return found | {"ours, a round": found["ours"] / ours.rounds}


def taken_apart(split: Split, settings: Settings) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """On SASRec: other numbers of rounds over as many places, and ours without its parts."""
    first = trained(backbone("SASRec", settings), split.train, split.valid)

    def of(**other: Any) -> dict[str, float]:
        stage = adapted(first, split.train, settings, **other)
        stage = copied(stage, repeats=False)
        return {metric: float(values.mean()) for metric, values in measured(stage, split, settings).items()}

    sweep = {str(rounds): of(rounds=rounds) for rounds in settings.sweep}
    without = {f"without {part}": of(parts=tuple(each for each in PARTS if each != part)) for part in PARTS}
    controls = {"rounds, nothing adapted": of(parts=()), "histories not masked in training": of(repeats=True)}
    alone = {metric: float(values.mean()) for metric, values in measured(first, split, settings).items()}
    return sweep, {"whole": sweep[str(settings.rounds)], **without, **controls, "backbone": alone}


def curve(sweep: Mapping[str, Mapping[str, float]], settings: Settings) -> Curve:
    """Hits in half the list and in all of it, by the number of rounds."""
    xs = [float(rounds) for rounds in sweep]
    lines = {name: (xs, [each[name] for each in sweep.values()]) for name in (f"Hit@{settings.places // 2}", f"Hit@{settings.places}")}
    return Curve(title="SASRec, the same places in more rounds", x="rounds", y="share of people", lines=lines)


def world() -> Data:
    """People who walk around circles, with steps astray."""
    return worlds.cycles(users=150, circles=8, noise=0.2, seed=1)
