"""Recommend in a shop never seen, by what is said of its people and items; from "EasyRec: Simple yet Effective Language Models for
Recommendation" (Ren and Huang, EMNLP 2025).

People and items of some shops get collaborative profiles (texts from attributes and training links, in several wordings); a text encoder
is tuned so that a person's profile is near those of the items they go on to have, by contrast within a batch and by foretelling hidden
words. In another shop the cosine of profiles then recommends without any training ("ours"), and the same vectors are a plug-in to
LightGCN by the contrast of RLMRec ("plug-in"). When a person's taste changes, another profile changes what they get, with nothing learned.
Compared, over the same profiles: the encoder before tuning (its vectors as they are, and less their mean), TF-IDF, and MiniLM where the
settings ask for it; popularity; what is like what someone had by its attributes (ContentProfile); LightGCN alone. With the first seed: ours
without hidden words, without contrast, and with one wording, each tuned anew.
Profiles hold what is known when the question is asked: training and validation links, never the tested one; those of the plug-in training
links alone, since validation chooses among its epochs. Settings were chosen on validation links of amazon-beauty, whose people and items
teach the encoder nothing.
Differing from the paper: in place of RoBERTa (82 to 355 million weights, 25 epochs on eight accelerators) a fixed table of word pieces with
one narrow attention block beside it (about 75 thousand weights), so that a minute of a core does; profiles come from templates (any
`generators.writer.Writer` may rewrite them), an item's first word says how widely it is had; the profile of a training pair is made without
the link that it must find (else the words to find stand in the question); temperature .1 and the softmax corrected for how often an item
is in a batch; shops are those at hand. What holds: above popularity, likeness by attributes and LightGCN, and the plug-in above LightGCN
alone. What does not: so small a model, tuned on three shops, gains nothing beyond the interval over the words alone, and TF-IDF of the
profiles stays ahead. Left out: the model sizes and the data-scaling curve of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np

from nearkin import worlds
from nearkin.data import load
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.profile_model import ProfileModel
from nearkin.encoders.profile_pairs import Shop
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.generators.profiles import item_profiles, user_profiles, with_reach
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.light_gcn import LightGcn
from nearkin.indexes.popularity import Popularity
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Measures
from nearkin.recipes.graph_part import Part, by_cosine, dense_part, measured
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Data, Hits, Links, Vectors, unit

CARD = Card(
    paper=59,
    title="EasyRec: small language models for recommendation",
    claim="a text encoder tuned on other shops recommends in a shop it never saw better than popularity and than likeness by attributes",
    kind="system",
    task="own",
    data=("amazon-beauty",),
    metrics=("Recall@20", "NDCG@20"),
    beats=("popularity", "content profile", "untuned encoder"),
    seeds=(0, 1, 2),
    tiny_s=2.0,
    left_out=("model sizes and the data-scaling curve: one size that a core can tune",),
)
CORES = {"amazon-sports": 7, "amazon-industrial-2018": 2, "ml-100k": 5}  # of the shops to learn from


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's share of hidden words and weight of their loss; the other values are ours."""

    shops: tuple[str, ...] = ("amazon-sports", "amazon-industrial-2018", "ml-100k")  # ours
    people: int = 1000  # ours; pairs of each shop
    core: int = 6  # ours; of the shop that is tested
    last: int = 4  # ours; things named in a person's profile
    near: int = 5  # ours; companions named in an item's
    reach: bool = True  # ours; whether an item's profile says how widely it is had
    versions: int = 3  # wordings learned from
    epochs: int = 1  # ours
    lr: float = 2e-3  # ours
    contrast: float = 1.0
    guess: float = 0.1  # weight of the hidden words
    length: int = 72  # ours; the paper has 64, then 512 when it recommends
    gcn_epochs: int = 8  # ours; as in `rlmrec`
    aligned: float = 1.0  # ours, as in `rlmrec`; weight of the plug-in
    minilm: bool = False  # compare with it, a minute more
    ablations: bool = True
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(shops=(), people=120, core=0, versions=2, epochs=2, length=24, gcn_epochs=2, ablations=False)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The tuned encoder; `profiles >> build(data)` makes vectors to search among or to search with. Nothing of `data` is learned from."""
    return tuned(settings)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The same encoder before tuning, and MiniLM."""
    found: dict[str, Stage] = {"untuned encoder": ProfileModel(length=settings.length)}
    return found | ({"MiniLM": sentence_model()} if settings.minilm else {})


def tuned(settings: Settings) -> ProfileModel:
    """The encoder after training on the shops of the settings (a made-up one, where they name none)."""
    model = ProfileModel(length=settings.length, epochs=settings.epochs, lr=settings.lr, seed=settings.seed)
    model.contrast, model.guess = settings.contrast, settings.guess
    return model.tune([shop(name, settings) for name in settings.shops or ("",)])


def shop(name: str, settings: Settings) -> Shop:
    """Profiles from all but the last training link of each person, and those last links, of some people, as the pairs to learn from."""
    links, last, people, items = told(name, replace(settings, seed=0, epochs=0, guess=0.0, contrast=0.0))
    drawn = np.sort(np.random.default_rng(settings.seed).permutation(len(last))[: settings.people])
    return Shop(people, items, last.take(drawn), links)


@lru_cache(maxsize=16)
def told(name: str, settings: Settings) -> tuple[Links, Links, list[Catalog], list[Catalog]]:
    """A shop's training links, the last ones of its people, and the profiles from the others; kept for the next seed."""
    links = dense_part(load(name) if name else other_world(), CORES.get(name, 0)).train
    context, last = without_last(links)
    sides = [profiles(context, settings, version) for version in range(settings.versions)]
    return links, last, [people for people, _ in sides], [items for _, items in sides]


def profiles(links: Links, settings: Settings, version: int = 0) -> tuple[Catalog, Catalog]:
    """Profiles of people and of items in one wording, from these links alone."""
    items = item_profiles(links, near=settings.near, version=version)
    return user_profiles(links, last=settings.last, version=version), with_reach(items, links) if settings.reach else items


def without_last(links: Links) -> tuple[Links, Links]:
    """Links but for the last one of each person that has three or more, and those."""
    order = np.argsort(links.left_rows, kind="stable")
    counts = np.bincount(links.left_rows, minlength=len(links.left))
    last = np.zeros(len(links), bool)
    last[order[(np.cumsum(counts) - 1)[counts >= 3]]] = True
    return links.take(~last), links.take(last)


def sentence_model() -> Cached:
    """MiniLM as it is."""
    return Cached(encoder=SentenceModel(fields=("profile",), max_tokens=64))


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall and nDCG of the last link over all items of a shop that the encoder never saw, seen items out."""
    part, targets = dense_part(data, settings.core), dense_part(data, settings.core).test.right_rows
    people, items = profiles(part.known, settings)
    encoders = {"ours": tuned(settings), **rivals(data, settings)}
    vectors = {name: (each(people).rows, each(items).rows) for name, each in encoders.items()}
    lists: dict[str, Hits] = {name: by_cosine(part, *sides) for name, sides in vectors.items()}
    for name in set(vectors) - {"ours"}:
        lists[f"{name}, centred"] = by_cosine(part, *(centred(side, vectors[name][1].mean(0)) for side in vectors[name]))
    lists["TF-IDF of profiles"] = by_cosine(part, *tf_idf(people, items))
    lists |= {name: with_k(stage, 21)(part.asked) for name, stage in untrained(part).items()}
    lists |= {name: with_k(each, 21)(part.asked) for name, each in plugged(part, encoders["ours"], settings).items()}
    figures: dict[str, Any] = {
        "people, items, tested": [len(people), len(items), len(part.test)],
        "plug-in - LightGCN": gain(lists, "plug-in", "LightGCN", targets),
        "ours - content profile": gain(lists, "ours", "content profile", targets),
    }
    if settings.ablations and not settings.seed:
        figures["Recall@20 without a part"] = without_parts(part, settings)
    return Measures(measured=measured(lists, targets), figures=figures)


ABLATIONS: dict[str, dict[str, Any]] = {
    "without hidden words": {"guess": 0.0},
    "without contrast": {"contrast": 0.0},
    "one wording": {"versions": 1},
}


def without_parts(part: Part, settings: Settings) -> dict[str, float]:
    """Recall@20 of ours, tuned anew without a part of it."""
    from nearkin.metrics import next_item

    (people, items), found = profiles(part.known, settings), {}
    for name, change in ABLATIONS.items():
        encoder = tuned(replace(settings, **change))
        hits = by_cosine(part, encoder(people).rows, encoder(items).rows)
        found[name] = float(next_item.recall(hits, part.test.right_rows, at=20).mean())
    return found


def untrained(part: Part) -> dict[str, Any]:
    """What needs no profile: popularity, and what is like what someone had by titles and attributes."""
    words = BagOfWords(fields=tuple(part.train.right.fields("text", "category"))).fit(part.train.right)
    return {"popularity": Popularity().fit(part.known), "content profile": ContentProfile(encoder=words).fit(part.train)}


def plugged(part: Part, encoder: Any, settings: Settings) -> dict[str, LightGcn]:
    """LightGCN alone, and with vectors of profiles of training links aligned by contrast: the plug-in of the paper."""
    import torch

    from nearkin.layers.text_alignment import ContrastWithTexts

    def fit(*beside: Any) -> LightGcn:
        return LightGcn(epochs=settings.gcn_epochs, lr=0.02, seed=settings.seed).fit(part.train, valid=part.valid, beside=beside)

    sides = [encoder(each).rows for each in profiles(part.train, settings)]
    texts = np.concatenate([centred(side, side.mean(0)) for side in sides])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        term = ContrastWithTexts(torch.from_numpy(texts), len(part.train.left), LightGcn().dim, weight=settings.aligned)
    return {"LightGCN": fit(), "plug-in": fit(term)}


def gain(lists: Mapping[str, Hits], better: str, other: str, targets: np.ndarray) -> dict[str, float]:
    """Recall@20 of one list and of another, and the 95 % interval over people of their difference."""
    from nearkin.metrics import next_item
    from nearkin.metrics.intervals import paired_bootstrap

    ours, alone = (next_item.recall(lists[name], targets, at=20) for name in (better, other))
    low, high = paired_bootstrap(ours, alone)
    return {better: float(ours.mean()), other: float(alone.mean()), "low": low, "high": high}


def centred(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Rows less a mean, of length 1; zero rows stay zero."""
    return unit((np.asarray(rows, np.float32) - mean) * rows.any(1, keepdims=True))


def tf_idf(people: Catalog, items: Catalog) -> tuple[np.ndarray, np.ndarray]:
    """Words of profiles by how rare they are among items: two dense arrays with rows of length 1."""
    bags = BagOfWords(fields=("profile",)).fit(items)
    counted, asked = bags(items), bags(people)
    rarity = np.log((len(counted) + 1) / np.maximum(np.bincount(counted.columns, minlength=counted.dim), 1)).astype(np.float32)
    found = [unit((each.to_scipy().log1p().toarray() * rarity).astype(np.float32)) for each in (asked, counted)]  # type: ignore[attr-defined]
    return found[0], found[1]


def answered(model: ProfileModel, profiles: Catalog, items: Catalog, *, k: int = 10) -> Hits:
    """Items for people as they are told now: edit a profile and ask again, and the answer is another, with nothing learned anew."""
    from nearkin.indexes.flat_index import FlatIndex

    return FlatIndex(k=k).fit(model(items))(Vectors(model(profiles).rows, profiles))


def other_world() -> Data:
    """The made-up shop that the tiny settings learn from."""
    return worlds.cycles(users=160, circles=9, steps=6, noise=0.2, seed=7)


def world() -> Data:
    """A shop whose words are those of no shop learned from."""
    return replace(worlds.cycles(users=160, circles=8, steps=6, noise=0.2, seed=1), name="another-shop")
