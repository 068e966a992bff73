"""Let profiles of people and items teach a graph recommender while it learns; from "Representation Learning with Large Language Models for
Recommendation" (Ren et al., WWW 2024: RLMRec).

Every person and item gets a profile, a short text; a sentence model makes a vector of it; a term beside the ranking loss brings the
graph's vectors and the profiles' together, by contrast (Con: "ours") or by decoding hidden nodes (Gen). Answers cost the same.
Profiles are made by templates from attributes and training links alone (`generators.profiles`; a language model may rewrite them by any
`generators.writer.Writer`), and each keeps whom and what it was made from. Backbones: LightGCN, and LightGCN with the noisy views of
SimGCL. Controls: profiles dealt out anew (shuffled), random vectors, profiles as the start of the free vectors, profiles alone.
Differing from the paper: leave-last-out over all items instead of a random split of each person's links; dim 64, two layers, a start from
the graph's singular vectors and some epochs where the paper trains up to 3,000 from a random start, for every system alike; MiniLM (384
numbers) for the text vectors of a paid service; each thing once in the sums of a batch, equal profiles no negatives of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin import worlds
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.generators.profiles import item_profiles, user_profiles
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.light_gcn import LightGcn
from nearkin.indexes.popularity import Popularity
from nearkin.metrics import next_item
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Measures
from nearkin.recipes.graph_part import Part, by_cosine, dense_part, measured
from nearkin.stage import Encoder, Stage, with_k
from nearkin.tables import Data, Links, unit

CARD = Card(
    paper=26,
    title="RLMRec: representations for recommendation learned with language models",
    claim="profiles aligned by contrast lift LightGCN, and profiles dealt out anew do not",
    kind="system",
    task="own",
    data=("amazon-beauty",),
    metrics=("Recall@20", "NDCG@20"),
    beats=("LightGCN", "shuffled profiles"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
    left_out=(
        "the backbones GCCF, SGL, DCCF and AutoCF: two of the six are built, and any that is a term beside LightGcn fits in",
        "five seeds: three, as everywhere here",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's temperatures and share of hidden nodes; the other values are ours, chosen on validation links."""

    core: int = 6  # ours; people and items have so many training links among themselves
    dim: int = 64  # ours; the paper has 32
    epochs: int = 8  # ours
    lr: float = 0.02  # ours
    pairs: int = 4096
    contrast: float = 1.0  # ours, best of .1, 1 and 4; weight of Con, in the paper .01
    contrast_temperature: float = 0.2
    decode: float = 0.1  # weight of Gen
    decode_temperature: float = 0.5
    hidden: float = 0.1
    noise: tuple[float, ...] = (0.25,)  # shares of random links added, with the first seed
    encoder: str = "minilm"  # else static words, for small worlds
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(core=0, dim=16, epochs=10, pairs=128, noise=(), encoder="static")


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """LightGCN with profiles aligned by contrast, learned from all links of the data."""
    return systems(data.need("interactions").interactions, None, settings)["ours"]()  # type: ignore[no-any-return, arg-type]


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The backbone alone and the controls, with the same data, start and epochs."""
    made = systems(data.need("interactions").interactions, None, settings)  # type: ignore[arg-type]
    return {name: make() for name, make in made.items() if name != "ours"}


def systems(train: Links, valid: Links | None, settings: Settings) -> dict[str, Callable[[], Any]]:
    """What is compared, by name, each made when it is called; all are the same `LightGcn` with other terms beside its loss."""
    from nearkin.layers.beside import NoisyViews

    texts, size = texts_of(train, settings.encoder), len(train.left)
    wrong, random = shuffled(texts, size, settings.seed), unit(np.random.default_rng(settings.seed).normal(size=texts.shape))

    def fit(*terms: Callable[[], Any], start: np.ndarray | None = None) -> LightGcn:
        return backbone(settings).fit(train, valid=valid, beside=[term() for term in terms], start=start)

    def con(rows: np.ndarray) -> Callable[[], Any]:
        return lambda: contrast(rows, size, settings)

    return {
        "ours": lambda: fit(con(texts)),
        "LightGCN": lambda: fit(),
        "shuffled profiles": lambda: fit(con(wrong)),
        "random vectors": lambda: fit(con(random)),
        "profiles as the start": lambda: fit(start=axes(texts, settings.dim)),
        "Gen": lambda: fit(lambda: decoded(texts, settings)),
        "SimGCL": lambda: fit(NoisyViews),
        "SimGCL with profiles": lambda: fit(NoisyViews, con(texts)),
        "popularity": lambda: Popularity().fit(train),
        "directed kNN": lambda: DirectedKnn().fit(train),
    }


def backbone(settings: Settings) -> LightGcn:
    """Light graph convolution, without profiles."""
    return LightGcn(dim=settings.dim, epochs=settings.epochs, lr=settings.lr, pairs=settings.pairs, seed=settings.seed)


def contrast(texts: np.ndarray, people: int, settings: Settings) -> Any:
    """The term of Con, its map seeded."""
    import torch

    from nearkin.layers.text_alignment import ContrastWithTexts

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        rows = torch.from_numpy(np.asarray(texts, np.float32))
        return ContrastWithTexts(rows, people, settings.dim, weight=settings.contrast, temperature=settings.contrast_temperature)


def decoded(texts: np.ndarray, settings: Settings) -> Any:
    """The term of Gen, its decoder seeded."""
    import torch

    from nearkin.layers.text_alignment import DecodedTexts

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        rows, more = (
            torch.from_numpy(np.asarray(texts, np.float32)),
            {"weight": settings.decode, "temperature": settings.decode_temperature},
        )
        return DecodedTexts(rows, settings.dim, share=settings.hidden, **more)


def texts_of(train: Links, encoder: str) -> np.ndarray:
    """A vector of each profile, people first: float32 [u + n, p], centred, of length 1; zero for an empty profile."""
    made: Encoder = StaticWords(fields=("profile",))
    if encoder == "minilm":
        made = Cached(encoder=SentenceModel(fields=("profile",), max_tokens=64))
    sides = [np.asarray(made(each).rows, np.float32) for each in (user_profiles(train), item_profiles(train))]
    return np.concatenate([unit((rows - rows.mean(0)) * rows.any(1, keepdims=True)) for rows in sides])


def axes(texts: np.ndarray, dim: int) -> np.ndarray:
    """The main axes of vectors, rows of a mean length of 1: float32 [m, dim]; missing axes are 0."""
    turned = texts @ np.linalg.eigh(texts.T @ texts)[1][:, ::-1][:, :dim]
    found = np.zeros((len(texts), dim), np.float32)
    found[:, : turned.shape[1]] = turned / np.linalg.norm(turned, axis=1).mean()
    return found


def shuffled(texts: np.ndarray, people: int, seed: int) -> np.ndarray:
    """The same vectors dealt out anew, among people and among items."""
    random = np.random.default_rng(seed)
    return texts[np.concatenate([random.permutation(people), people + random.permutation(len(texts) - people)])]


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall and nDCG of the last link over all items, seen ones out; with the first seed, what random links in training cost."""
    part = dense_part(data, settings.core)
    made = {name: make() for name, make in systems(part.train, part.valid, settings).items()}
    lists = {name: with_k(model, 21)(part.asked) for name, model in made.items()}
    texts = texts_of(part.train, settings.encoder)
    lists["profiles alone"] = by_cosine(part, texts[: len(part.train.left)], texts[len(part.train.left) :])
    figures: dict[str, Any] = {
        "people, items, training links, tested": [len(part.train.left), len(part.train.right), len(part.train), len(part.test)]
    }
    figures |= {f"Recall@20 with {share:.0%} random links": noisy(part, share, settings) for share in settings.noise if not settings.seed}
    return Measures(measured=measured(lists, part.test.right_rows), figures=figures)


def noisy(part: Part, share: float, settings: Settings) -> dict[str, float]:
    """LightGCN and ours, learned with so many random links more; the profiles stay those of the true ones."""
    random, extra = np.random.default_rng(1), round(share * len(part.train))
    rows = [np.append(part.train.left_rows, random.integers(0, len(part.train.left), extra))]
    rows.append(np.append(part.train.right_rows, random.integers(0, len(part.train.right), extra)))
    spoilt, texts = Links(part.train.left, part.train.right, *rows), texts_of(part.train, settings.encoder)
    terms: dict[str, list[Any]] = {"LightGCN": [], "ours": [contrast(texts, len(part.train.left), settings)]}
    models = {name: backbone(settings).fit(spoilt, valid=part.valid, beside=beside) for name, beside in terms.items()}
    return {
        name: float(next_item.recall(with_k(each, 21)(part.asked), part.test.right_rows, at=20).mean()) for name, each in models.items()
    }


def world() -> Data:
    """People who walk around circles, some steps at random; the titles name the circle."""
    return replace(worlds.cycles(users=160, circles=16, steps=5, noise=0.2, seed=1), name="noisy-circles")
