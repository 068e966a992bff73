"""Recommend from words alone, also in a shop never seen before; from "Text Is All You Need: Learning Language Representations for
Sequential Recommendation" (Li, Wang, Li, Fu, Shen, Shang, McAuley, KDD 2023).

Items are sentences of field names and values, a person is a text of them, newest first; embeddings of word, place, kind and item number;
pre-training on other catalogues by contrast and hidden words; then fine-tuning in two stages. Measured on amazon-beauty: with none of its
histories, and with 1/64 to all of the training histories, beside SASRec (ids), SASRec that reads the same words (frozen MiniLM,
mapped), popularity, cosine and directed kNN, and a profile of frozen MiniLM vectors, each from the same histories. Targets that no
training history holds are counted apart. With the first seed: ours without pre-training, without either stage, without the marks of kind
and number; and words as one bag.
Pre-trained on amazon-sports and amazon-industrial-2018 (the latter where it can be loaded). The paper takes Longformer, 12 layers of width
768, on seven catalogues for days; ours is BERT-tiny (2 layers of width 128, inside SPLADE-tiny), few tokens, a sample of people: minutes of
one core. People are drawn at random, the same for all seeds; all items are ranked. Left out: UniSRec's adapter, for which the SASRec with
a map of frozen text vectors stands; windowed attention, since texts have 128 tokens at most (dense attention does the same).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin import worlds
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.recformer import Recformer
from nearkin.indexes.sas_rec import SasRec
from nearkin.metrics import next_item
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.stage import Encoder, Stage, with_k
from nearkin.tables import Data, Links, Split

CARD = Card(
    paper=6,
    title="Recformer: text is all you need",
    claim="words alone, pre-trained on other shops, recommend in a new one without a history, and with few histories beat a model of ids",
    kind="system",
    task="own",
    data=("amazon-beauty",),
    metrics=("NDCG@10", "Recall@10"),
    beats=("popularity", "SASRec"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
    left_out=("UniSRec's adapter: SASRec with a map of frozen text vectors stands for it", "attention in windows: texts are short"),
)
OTHERS = ("amazon-sports", "amazon-industrial-2018")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's values but where "ours" says so."""

    others: int = 2000  # ours; people of each catalogue of pre-training
    people: int = 1200  # ours; training and test people
    parts: tuple[int, ...] = (64, 16, 4, 1)  # one in so many training histories
    before: int = 2  # ours; epochs of pre-training
    epochs: int = 2  # ours; of the first stage
    still: int = 1  # ours; of the second
    lr: float = 5e-4  # ours; the paper's 5e-5 is for a model a hundred times as large
    history: int = 10  # ours; items read (paper 50)
    tokens: int = 112  # ours; of a text (paper 1,024)
    attribute: int = 8  # ours; tokens of a field (paper 32)
    rival: int = 6  # epochs of SASRec
    sentences: str = "minilm"  # the frozen encoder; "static": the one that comes along
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(others=60, people=80, parts=(4, 1), before=2, epochs=1, still=1, history=4, tokens=40, rival=2, sentences="static")


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Pre-trained on the other catalogues, fine-tuned on this one."""
    data = data.need("interactions")
    return before(logs(data, settings), settings).fit(data.interactions, valid=data.train_truth)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """What learns from the same histories, with ids or with words."""
    links = data.need("interactions").interactions
    return taught(links, data.train_truth, settings)


def logs(data: Data, settings: Settings) -> list[Links]:
    """Histories of other catalogues; none of the people or items of this one."""
    if data.name == "cycles":
        return [worlds.cycles(users=settings.others, circles=6, seed=7).interactions]
    from nearkin.data import load

    found = []
    for name in OTHERS:
        try:
            found.append(some(load(name).need("interactions").interactions, settings.others))
        except BadInput:
            continue
    return found


def some(links: Links, people: int) -> Links:
    """The links of people drawn at random: users often stand in an order that matters."""
    drawn = np.random.default_rng(0).permutation(np.unique(links.left_rows))[:people]
    return links.take(np.isin(links.left_rows, drawn))


def before(others: Sequence[Links], settings: Settings, *, marked: bool = True) -> Recformer:
    """Step 1: pre-training."""
    return empty(settings, marked=marked).pretrain(others)


def empty(settings: Settings, *, marked: bool = True, **other: Any) -> Recformer:
    held = {name: getattr(settings, name) for name in ("before", "epochs", "still", "lr", "history", "tokens", "attribute", "seed")}
    return Recformer(marked=marked, **{**held, **other})


def tuned(start: Recformer, split: Split, settings: Settings, **other: Any) -> Recformer:
    """Step 2: fine-tuning from a start, which stays as it is."""
    model = copy(start)
    for name, value in other.items():
        setattr(model, name, value)
    return model.fit(split.train, valid=split.valid)


def taught(links: Links, valid: Links | None, settings: Settings) -> dict[str, Stage]:
    """Rivals that learn from histories, each from the same ones; the last two know the items' words."""
    kinds = {"popularity": Popularity, "cosine kNN": ItemKnn, "directed kNN": DirectedKnn}
    ids = SasRec(dim=64, dropout=0.3, epochs=settings.rival, seed=settings.seed)
    words = replace(ids, content=sentence_vectors(settings))
    found: dict[str, Stage] = {name: kind().fit(links) for name, kind in kinds.items()}
    profile = ContentProfile(encoder=sentence_vectors(settings)).fit(links)
    return found | {"SASRec": ids.fit(links, valid=valid), "SASRec with words": words.fit(links, valid=valid), PROFILE: profile}


PROFILE = "frozen sentence vectors"


def sentence_vectors(settings: Settings) -> Encoder:
    """A frozen encoder of the items' texts and categories."""
    return StaticWords() if settings.sentences == "static" else Cached(encoder=SentenceModel(model=settings.sentences, max_tokens=64))


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """The curve from no history to all of them; cold targets; with the first seed, ours without its parts."""
    split = some(data.need("interactions").interactions, settings.people).split("last")
    start = before(logs(data, settings), settings)
    counts: dict[str, int] = {"items": len(data.items), "people": len(split.test)}
    found: dict[str, dict[str, dict[str, np.ndarray]]] = {"0": none_known(start, split, settings)}
    for part in settings.parts:
        few = share(split, part)
        counts[f"histories, 1/{part}"] = len(np.unique(few.train.left_rows))
        model = tuned(start, few, settings)
        stages = {"ours": model, **taught(few.train, few.valid, settings)}
        found[f"1/{part}"] = {name: judged(stage, split) for name, stage in stages.items()}
    lines = [line for name, each in found.items() for line in measured(name, each)]
    figures: dict[str, Any] = {"counts": counts, "targets no history holds": cold(split, found[f"1/{settings.parts[-1]}"], settings)}
    if settings.seed == 0:
        figures["ablations, 1/4"] = taken_apart(data, start, split, settings)
    return Measures(measured=lines, figures=figures, curves=[curve(found, settings)])


def none_known(start: Recformer, split: Split, settings: Settings) -> dict[str, dict[str, np.ndarray]]:
    """Without a single history of this catalogue: ours, the frozen vectors, the language model before pre-training; what is popular
    is told by all histories, which is more than the others know."""
    untaught = empty(settings).begun()
    stages = {
        "ours": start.for_items(split.train.right),
        "language model alone": untaught.for_items(split.train.right),
        PROFILE: ContentProfile(encoder=sentence_vectors(settings)).fit(split.train),
        "popularity": Popularity().fit(split.train),
    }
    return {name: judged(stage, split) for name, stage in stages.items()}


def share(split: Split, part: int) -> Split:
    """The training and validation links of one in so many people, drawn at random."""
    people = np.unique(split.train.left_rows)
    drawn = np.random.default_rng(1).permutation(people)[: max(2, len(people) // part)]
    train, valid = (links.take(np.isin(links.left_rows, drawn)) for links in (split.train, split.valid))
    return Split(train, valid, split.test)


def judged(stage: Any, split: Split) -> dict[str, np.ndarray]:
    """nDCG and recall at 10, person by person."""
    people = split.test_histories().take(split.test.left_rows)
    hits, targets = with_k(stage, 11)(people), split.test.right_rows
    return {"NDCG@10": next_item.ndcg(hits, targets), "Recall@10": next_item.recall(hits, targets)}


def measured(name: str, found: Mapping[str, Mapping[str, np.ndarray]]) -> list[Measured]:
    """Lines of one share of the histories; NDCG decides, against SASRec where few are known and against popularity where none is."""
    decides = name == "0" or int(name.partition("/")[2]) >= FEW
    return [
        Measured(
            metric=f"{metric}, {name} of the histories",
            values={system: each[metric] for system, each in found.items()},
            decides=decides and metric == "NDCG@10",
        )
        for metric in CARD.metrics
    ]


FEW = 4  # one in so many histories is few


def cold(split: Split, found: Mapping[str, Mapping[str, np.ndarray]], settings: Settings) -> dict[str, Any]:
    """Recall at 10 where no training history holds the target: how many people, and each system."""
    new = ~np.isin(split.test.right_rows, split.train.right_rows)
    values = {name: float(each["Recall@10"][new].mean()) if new.any() else 0.0 for name, each in found.items()}
    return {"people": int(new.sum()), **values}


def taken_apart(data: Data, start: Recformer, split: Split, settings: Settings) -> dict[str, float]:
    """nDCG at 10 after a quarter of the histories: whole, without pre-training, either stage or the marks; and words as a bag."""
    few = share(split, FEW)
    plain = before(logs(data, settings), settings, marked=False)
    stages = {
        "whole": tuned(start, few, settings),
        "without pre-training": tuned(empty(settings), few, settings),
        "without the first stage": tuned(start, few, settings, epochs=0, still=settings.epochs + settings.still),
        "without the second stage": tuned(start, few, settings, epochs=settings.epochs + settings.still, still=0),
        "without kinds and item numbers": tuned(plain, few, settings),
        "words as a bag": ContentProfile(encoder=BagOfWords(fields=tuple(data.items.fields("text", "category"))).fit(data.items)).fit(
            few.train
        ),
    }
    return {name: float(judged(stage, split)["NDCG@10"].mean()) for name, stage in stages.items()}


def curve(found: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], settings: Settings) -> Curve:
    """nDCG by the share of the histories learned from; none is drawn a step left of the smallest share."""
    xs = [0.5 / settings.parts[0], *(1 / part for part in settings.parts)]
    lines = {}
    for name in found[f"1/{settings.parts[0]}"]:
        points = [(x, float(each[name]["NDCG@10"].mean())) for x, each in zip(xs, found.values()) if name in each]
        lines[name] = ([x for x, _ in points], [y for _, y in points])
    return Curve(title="leftmost: no history at all", x="share of the training histories", y="NDCG@10", lines=lines, log_x=True)


def world() -> Data:
    """People who walk around circles whose items share a word; the other catalogue has other words."""
    return worlds.cycles(users=100, circles=6, noise=0.1, seed=2)
