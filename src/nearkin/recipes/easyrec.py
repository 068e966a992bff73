"""Recommend in a shop never seen, by what is said of its people and items; from "EasyRec: Simple yet Effective Language Models for
Recommendation" (Ren and Huang, EMNLP 2025).

People and items of some shops get collaborative profiles (texts from attributes and training links, in several wordings); a text encoder
is tuned so that a person's profile is near those of the items they go on to have, by contrast within a batch and by foretelling hidden
words. In another shop the cosine of profiles then recommends without any training ("ours"), and the same vectors are a plug-in to
LightGCN by the contrast of RLMRec ("plug-in"). When a person's taste changes, another profile changes what they get, with nothing learned.
Compared, over the same profiles: the encoder before tuning, MiniLM, TF-IDF; and popularity, what is like what someone had by its
attributes (ContentProfile), LightGCN alone, and LightGCN with MiniLM's vectors.
Differing from the paper: the encoder is one attention block over a fixed table of word pieces instead of RoBERTa, so that minutes of a core
do; the profile of a training pair is made without the link that it must find (else the words to find stand in the question); profiles come
from templates; shops are those at hand. Left out: the model sizes and the data-scaling curve of the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin import worlds
from nearkin.data import load
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.profile_model import ProfileModel
from nearkin.encoders.profile_pairs import Shop
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.generators.profiles import item_profiles, user_profiles
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
    tiny_s=30.0,
    left_out=("model sizes and the data-scaling curve: one size that a core can tune",),
)
CORES = {"amazon-sports": 6, "yelp-2019": 8, "ml-100k": 5}  # of the shops to learn from


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's temperature, share of hidden words and weight of their loss; the other values are ours."""

    shops: tuple[str, ...] = ("amazon-sports", "yelp-2019", "ml-100k")  # ours
    people: int = 1200  # ours; pairs of each shop
    core: int = 6  # ours; of the shop that is tested
    versions: int = 3  # wordings learned from
    epochs: int = 2  # ours
    lr: float = 1e-3  # ours
    length: int = 48  # ours; the paper has 64
    gcn_epochs: int = 8  # ours; as in `rlmrec`
    contrast: float = 1.0  # ours, as in `rlmrec`; weight of the plug-in
    minilm: bool = True  # compare with it
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(shops=(), people=120, core=0, versions=2, epochs=2, length=24, gcn_epochs=2, minilm=False)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The tuned encoder; `profiles >> build(data)` makes vectors to search among or to search with. Nothing of `data` is learned from."""
    return tuned(settings)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The same encoder before tuning, and MiniLM."""
    found: dict[str, Stage] = {"untuned encoder": ProfileModel(length=settings.length)}
    return found | ({"MiniLM": sentence_model()} if settings.minilm else {})


def tuned(settings: Settings, versions: int | None = None, *, guess: float = 0.1) -> ProfileModel:
    """The encoder after training on the shops of the settings (a made-up one, where they name none)."""
    shops = [shop(dense_part(load(name), CORES[name]).train, settings, versions) for name in settings.shops]
    shops = shops or [shop(worlds.cycles(users=160, circles=9, steps=6, noise=0.2, seed=7).interactions, settings, versions)]
    model = ProfileModel(epochs=settings.epochs, lr=settings.lr, length=settings.length, guess=guess, seed=settings.seed)
    return model.tune(shops)


def shop(links: Links, settings: Settings, versions: int | None = None) -> Shop:
    """Profiles from all but the last training link of each person, and those last links, of some people, as the pairs to learn from."""
    context, last = without_last(links)
    drawn = np.sort(np.random.default_rng(settings.seed).permutation(len(last))[: settings.people])
    count = versions or settings.versions
    people = [user_profiles(context, version=version) for version in range(count)]
    items = [item_profiles(context, version=version) for version in range(count)]
    return Shop(people, items, last.take(drawn), links)


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
    part = dense_part(data, settings.core)
    people, items = user_profiles(part.train), item_profiles(part.train)
    model = tuned(settings)
    vectors: dict[str, tuple[np.ndarray, np.ndarray]] = {"ours": (model(people).rows, model(items).rows)}
    for name, encoder in rivals(data, settings).items():
        vectors[name] = (encoder(people).rows, encoder(items).rows)
    lists: dict[str, Hits] = {name: by_cosine(part, *sides) for name, sides in vectors.items()}
    lists["TF-IDF of profiles"] = by_cosine(part, *tf_idf(people, items))
    lists |= {name: with_k(stage, 21)(part.asked) for name, stage in untrained(part, settings).items()}
    lists |= {name: with_k(make(), 21)(part.asked) for name, make in plugged(part, vectors, settings).items()}
    figures: dict[str, Any] = {
        "people, items, tested": [len(people), len(items), len(part.test)],
        "plug-in - LightGCN": plug_in_gain(lists, part.test.right_rows),
    }
    return Measures(measured=measured(lists, part.test.right_rows), figures=figures)


def untrained(part: Part, settings: Settings) -> dict[str, Any]:
    """What needs no profile: popularity, and what is like what someone had by titles and attributes."""
    words = BagOfWords(fields=tuple(part.train.right.fields("text", "category"))).fit(part.train.right)
    return {"popularity": Popularity().fit(part.train), "content profile": ContentProfile(encoder=words).fit(part.train)}


def plugged(part: Part, vectors: Mapping[str, tuple[np.ndarray, np.ndarray]], settings: Settings) -> dict[str, Callable[[], LightGcn]]:
    """LightGCN alone, and with vectors of profiles aligned by contrast: the plug-in of the paper."""
    import torch

    from nearkin.layers.text_alignment import ContrastWithTexts

    def fit(name: str | None) -> LightGcn:
        graph = LightGcn(epochs=settings.gcn_epochs, lr=0.02, seed=settings.seed)
        if name is None:
            return graph.fit(part.train, valid=part.valid)
        texts = np.concatenate([centred(np.asarray(side, np.float32)) for side in vectors[name]])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            term = ContrastWithTexts(torch.from_numpy(texts), len(part.train.left), graph.dim, weight=settings.contrast)
        return graph.fit(part.train, valid=part.valid, beside=(term,))

    made: dict[str, Callable[[], LightGcn]] = {"LightGCN": lambda: fit(None), "plug-in": lambda: fit("ours")}
    return made | ({"LightGCN with MiniLM": lambda: fit("MiniLM")} if "MiniLM" in vectors else {})


def plug_in_gain(lists: Mapping[str, Hits], targets: np.ndarray) -> dict[str, float]:
    """Recall@20 of the plug-in less that of LightGCN alone, with its interval over people."""
    from nearkin.metrics import next_item
    from nearkin.metrics.intervals import paired_bootstrap

    ours, alone = (next_item.recall(lists[name], targets, at=20) for name in ("plug-in", "LightGCN"))
    low, high = paired_bootstrap(ours, alone)
    return {"ours": float(ours.mean()), "LightGCN": float(alone.mean()), "low": low, "high": high}


def centred(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1 around their mean; zero rows stay zero."""
    return unit((rows - rows.mean(0)) * rows.any(1, keepdims=True))


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


def world() -> Data:
    """A shop whose words are those of no shop learned from."""
    return replace(worlds.cycles(users=160, circles=8, steps=6, noise=0.2, seed=1), name="another-shop")
