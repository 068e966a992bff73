"""Codes in memory find candidates, vectors on disk put them in order, each trained for its own task; from "Progressively Optimized
Bi-Granular Document Representation for Scalable Embedding Based Retrieval" (Xiao, Liu, Han, Zhang, Shao, Lian, Li, Sun, Deng, Zhang,
Zhang and Xie, WWW 2022).

Stage 0 trains a dense tower on random batches; OPQ of its vectors starts stage 1, in which tower and centres are trained so that a float
query finds the coded item (the rotation stays, the query is never quantised); stage 2 trains another tower, from the start again, on
batches walked over the graph of train queries and the candidates that the codes of stage 1 return; stage 3 scores those candidates by
<query, vector> + weight * score by codes, the weight chosen on validation queries.
Ours: the tower is a trainable table of word pieces instead of RoBERTa-base; thousands of pairs instead of MS MARCO (a program's one-line
summary finds its description, an example sentence the definition of its word); unit vectors and a temperature instead of a LayerNorm; both
ranges of the walk are tuned to a smaller corpus. In place of a billion documents the bytes in memory and on disk are accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nearkin.codecs.learned_pq import LearnedPq
from nearkin.encoders.join import Join
from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.two_level_index import TwoLevelIndex
from nearkin.miners.hard_negatives import hard_negatives
from nearkin.miners.locality_batches import locality_batches
from nearkin.recipes.bidr_pairs import Pairs, pairs_of
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Measured, Measures
from nearkin.stage import Stage
from nearkin.tables import Catalog, Data, Links, Vectors

if TYPE_CHECKING:
    from nearkin.layers.word_tower import WordTower

CARD = Card(
    paper=56,
    title="BiDR: light codes and heavy vectors, trained one after the other",
    claim="codes trained by contrast find more than OPQ of the same size, and vectors trained on walked batches order candidates better",
    kind="system",
    task="own",
    data=("catalog-debian",),
    metrics=("Recall@100 of codes", "MRR@10"),
    beats=("OPQ of stage 0", "random batches"),
    seeds=(0, 1, 2),
    tiny_s=4.0,
    left_out=("a billion documents: bytes in memory and on disk are accounted for instead",),
)

Batches = Iterator[tuple[np.ndarray, np.ndarray]]  # rows of train queries [b], rows of one negative item each [b]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's values where it gives any."""

    levels: int = 8  # ours; 96 in the paper, of 768 dimensions
    codebook_size: int = 256
    steps: int = 200  # ours; a stage
    batch: int = 256  # ours; 128 a processor in the paper
    rate: float = 5e-3  # ours; 1e-4 for RoBERTa
    centre_rate: float = 3e-3  # ours
    temperature: float = 0.05  # ours; 1 in the paper, on longer vectors
    softness: float = 0.01  # ours; temperature of the soft choice of centres; 1 in the paper
    candidates: int = 1000
    mined: int = 10_000  # ours; train queries whose candidates stage 2 learns from
    near: tuple[int, int] = (0, 50)  # ours; (0, 200) in the paper
    far: tuple[int, int] = (0, 50)  # ours; (200, 400) in the paper
    weights: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0)  # 0.3 in the paper; chosen on validation
    asked: int = 2000  # ours; test queries
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(levels=4, codebook_size=16, steps=30, batch=32, candidates=60, near=(0, 20), far=(0, 20), asked=120)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A tower, and the codec trained along with it, where there is one."""

    encoder: StaticWords
    codec: LearnedPq | None = None


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Text to hits through both levels, with the paper's weight of the score by codes."""
    pairs = pairs_of(data, settings.asked)
    light = stage_1(pairs, with_opq(pairs, stage_0(pairs, settings), settings), settings, settings.steps)
    heavy = stage_2(pairs, mined(pairs, light, settings), settings, "random_walk")
    return two_levels(pairs, light, heavy, settings, 0.3)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """OPQ of stage 0 with its own vectors; the paper's codes with vectors trained on random batches."""
    pairs = pairs_of(data, settings.asked)
    first = with_opq(pairs, stage_0(pairs, settings), settings)
    light = stage_1(pairs, first, settings, settings.steps)
    return {
        "OPQ of stage 0": two_levels(pairs, first, first, settings, 0.3),
        "random batches": two_levels(pairs, light, stage_2(pairs, mined(pairs, light, settings), settings, "random"), settings, 0.3),
    }


def stage_0(pairs: Pairs, settings: Settings) -> Trained:
    """Dense vectors for the whole corpus: in-batch negatives and one random one a query."""
    return dense(pairs, random_batches(pairs, len(pairs.train), settings), settings)


def with_opq(pairs: Pairs, tower: Trained, settings: Settings) -> Trained:
    """The tower with codes as the squared error alone would have them: where stage 1 starts, and its rival."""
    codec = LearnedPq(levels=settings.levels, codebook_size=settings.codebook_size, temperature=settings.softness, seed=settings.seed)
    return Trained(encoder=tower.encoder, codec=codec.fit(tower.encoder(pairs.items)))


def stage_1(pairs: Pairs, start: Trained, settings: Settings, steps: int) -> Trained:
    """Contrastive quantisation: loss = CE(<h(q), h(d)>) + CE(<R h(q), coded h(d)>); tower and centres move, the rotation R does not."""
    import torch

    from nearkin.losses.batch_contrastive import batch_contrastive

    codec = start.codec
    tower, module = tower_of(start.encoder), codec.module()

    def loss(queries: Any, items: Any, right: Any) -> Any:
        floats = batch_contrastive(queries, items, right, temperature=settings.temperature)
        return floats + batch_contrastive(module.turned(queries), module(items)[1], right, temperature=settings.temperature)

    optimisers = [
        (torch.optim.SparseAdam([tower.rows], lr=1), settings.rate),
        (torch.optim.Adam(module.parameters(), lr=1), settings.centre_rate),
    ]
    batches = random_batches(pairs, len(pairs.train), settings)
    descend(pairs, tower, loss, optimisers, batches, steps)
    module.reseed(torch.from_numpy(exported(tower)(pairs.items.take(np.arange(min(len(pairs.items), 4096)))).rows))
    return Trained(encoder=exported(tower), codec=codec.trained(module))


def mined(pairs: Pairs, light: Trained, settings: Settings) -> Links:
    """What the codes of stage 1 return to train queries, less what is right: the graph of stage 2."""
    asked = pairs.train[: settings.mined]
    index = TwoLevelIndex(codec=light.codec).fit(light.encoder(pairs.items))
    queries = pairs.queries.take(asked)
    hits = index.light_hits(light.encoder(queries), max(settings.near[1], settings.far[1]) + 1)
    return hard_negatives(hits, Links(queries, hits.items, np.arange(len(asked)), pairs.own[asked]), groups=pairs.groups)


def stage_2(pairs: Pairs, negatives: Links, settings: Settings, how: str) -> Trained:
    """Dense vectors for the candidates: the batches are walks, or for a rival drawn at random, with a hard negative each or without."""
    if how == "random":
        return dense(pairs, random_batches(pairs, len(negatives.left), settings), settings)
    return dense(pairs, hard_batches(negatives, settings) if how == "hard" else walked_batches(negatives, settings, how), settings)


def two_levels(pairs: Pairs, light: Trained, heavy: Trained, settings: Settings, weight: float) -> Stage:
    """Stage 3: the codes of one tower, the floats of the other."""
    both = Join(parts=(light.encoder, heavy.encoder))
    dim = light.encoder.dim
    index = TwoLevelIndex(codec=light.codec, light_dim=dim, k=settings.candidates, candidates=settings.candidates, weight=weight)
    return both >> index.fit(both(pairs.items))


def dense(pairs: Pairs, batches: Batches, settings: Settings) -> Trained:
    """A tower trained from the start on these batches."""
    import torch

    from nearkin.losses.batch_contrastive import batch_contrastive

    tower = tower_of(StaticWords(fields=("text",)))
    optimisers = [(torch.optim.SparseAdam([tower.rows], lr=1), settings.rate)]
    descend(pairs, tower, partial(batch_contrastive, temperature=settings.temperature), optimisers, batches, settings.steps)
    return Trained(encoder=exported(tower))


def descend(pairs: Pairs, tower: WordTower, loss: Callable[..., Any], optimisers: list[Any], batches: Batches, steps: int) -> None:
    """Steps of gradient descent; the rates rise over the first tenth and then fall to nothing. Other right answers are masked."""
    import torch

    for step, (asked, negatives) in zip(range(steps), batches):
        items = np.concatenate([pairs.own[asked], negatives])
        right = torch.from_numpy(pairs.groups[pairs.own[asked]][:, None] == pairs.groups[items][None, :])
        value = loss(tower(*pairs.query_bags(asked)), tower(*pairs.item_bags(items)), right)
        for optimiser, rate in optimisers:
            optimiser.param_groups[0]["lr"] = rate * min(1.0, 10 * (step + 1) / steps) * (1 - step / steps)
            optimiser.zero_grad()
        value.backward()
        for optimiser, _ in optimisers:
            optimiser.step()


def tower_of(encoder: StaticWords) -> WordTower:
    import torch

    from nearkin.layers.word_tower import WordTower

    return WordTower(torch.from_numpy(np.array(encoder.table.rows)), torch.from_numpy(np.array(encoder.table.weights)))


def exported(tower: WordTower) -> StaticWords:
    """The tower as an encoder without torch."""
    encoder = StaticWords(fields=("text",))
    encoder.rows_ = tower.rows.detach().numpy().copy()
    return encoder


def random_batches(pairs: Pairs, known: int, settings: Settings) -> Batches:
    """Random train queries (of the first `known`) with a random item each for a negative."""
    random = np.random.default_rng(settings.seed)
    while True:
        asked = pairs.train[random.choice(known, min(settings.batch, known), replace=False)]
        yield asked, random.integers(0, len(pairs.items), len(asked))


def hard_batches(negatives: Links, settings: Settings) -> Batches:
    """ANCE's way: random queries, each with one of its hard negatives."""
    random = np.random.default_rng(settings.seed)
    near = negatives.take((negatives.time >= settings.near[0]) & (negatives.time < settings.near[1]))
    queries = np.array([int(name) for name in negatives.left.id_list])
    while True:
        order = random.permutation(len(near))
        _, first = np.unique(near.left_rows[order], return_index=True)  # one link a query, drawn at random
        chosen = order[random.permutation(first)]
        for start in range(0, len(chosen) - settings.batch + 1, settings.batch):
            part = chosen[start : start + settings.batch]
            yield queries[near.left_rows[part]], near.right_rows[part]


def walked_batches(negatives: Links, settings: Settings, walk: Any) -> Batches:
    """Epoch after epoch of walks; the short batch at the end of an epoch is left out."""
    queries = np.array([int(name) for name in negatives.left.id_list])
    for epoch in count(1000 * settings.seed):
        for batch in locality_batches(negatives, size=settings.batch, walk=walk, near=settings.near, far=settings.far, seed=epoch):
            if len(batch) == min(settings.batch, len(queries)):
                yield queries[batch.left_rows], batch.right_rows


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall of the codes against OPQ, and MRR@10 of the same candidates put in order by vectors trained in several ways."""
    pairs = pairs_of(data, settings.asked)
    first = with_opq(pairs, stage_0(pairs, settings), settings)
    frozen = with_opq(pairs, Trained(encoder=StaticWords(fields=("text",))), settings)
    light, joint = stage_1(pairs, first, settings, settings.steps), stage_1(pairs, frozen, settings, 2 * settings.steps)
    coded = {"ours": light, "OPQ of stage 0": first, "OPQ of frozen vectors": frozen, "one stage": joint}
    negatives = mined(pairs, light, settings)
    towers = {how: stage_2(pairs, negatives, settings, how) for how in ("random_walk", "snow_sample", "hard", "random")}
    found = {name: codes_alone(pairs, each, settings) for name, each in coded.items()}
    ordered, figures = {"codes alone": found["ours"]}, {}
    for name, tower in [*((_SAID[how], tower) for how, tower in towers.items()), ("vectors of stage 1", light)]:
        ordered[name], figures[f"weight, {name}"] = verified(pairs, light, tower, settings)
    figures |= accounts(pairs, light, towers["random_walk"]) | likeness(pairs, first, negatives, settings)
    lines = [measured(f"Recall@{at} of codes", found, lambda ranks, at=at: ranks < at, at == 100) for at in (5, 10, 30, 50, 100, 1000)]
    lines += [measured("MRR@10 of codes", found, _reciprocal, False), measured("MRR@10", ordered, _reciprocal, True)]
    lines += [measured(f"Recall@{at}", ordered, lambda ranks, at=at: ranks < at, False) for at in (5, 10, 30, 50, 100, 1000)]
    return Measures(measured=lines, figures=figures)


_SAID = {"random_walk": "ours", "snow_sample": "snow sample", "hard": "global hard negatives", "random": "random batches"}


def _reciprocal(ranks: np.ndarray) -> np.ndarray:
    return np.where(ranks < 10, 1 / (ranks + 1), 0)


def measured(name: str, ranks: dict[str, np.ndarray], score: Callable[[np.ndarray], np.ndarray], decides: bool) -> Measured:
    return Measured(metric=name, values={system: score(each).astype(float) for system, each in ranks.items()}, decides=decides)


def codes_alone(pairs: Pairs, light: Trained, settings: Settings) -> np.ndarray:
    """The rank of the right item of each test query by codes; 10^6 beyond the candidates."""
    index = TwoLevelIndex(codec=light.codec).fit(light.encoder(pairs.items))
    return pairs.ranks(index.light_hits(light.encoder(pairs.queries.take(pairs.test)), settings.candidates).rows, pairs.test)


def verified(pairs: Pairs, light: Trained, heavy: Trained, settings: Settings) -> tuple[np.ndarray, float]:
    """Ranks of test queries after verification, and the weight that was best for validation queries."""
    both, index = two_levels(pairs, light, heavy, settings, settings.weights[0]).stages
    asked = both(pairs.queries.take(pairs.valid))

    def ranks(vectors: Vectors, weight: float, rows: np.ndarray) -> np.ndarray:
        index.weight = weight
        return pairs.ranks(index(vectors).rows, rows)

    weight = max(settings.weights, key=lambda each: _reciprocal(ranks(asked, each, pairs.valid)).mean())
    return ranks(both(pairs.queries.take(pairs.test)), weight, pairs.test), weight


def accounts(pairs: Pairs, light: Trained, heavy: Trained) -> dict[str, Any]:
    """Bytes in memory and on disk an item, and what a billion items would take."""
    codes, floats = light.codec.levels, 4 * heavy.encoder.dim  # type: ignore[union-attr]
    return {
        "bytes an item: codes in memory, floats on disk": [codes, floats],
        "GB of a billion items: codes in memory, floats on disk": [codes, floats],
        "items": len(pairs.items),
    }


def likeness(pairs: Pairs, tower: Trained, negatives: Links, settings: Settings) -> dict[str, Any]:
    """Mean cosine of two queries of a batch, for each way to make batches."""
    ways = {walk: walked_batches(negatives, settings, walk) for walk in ("random_walk", "snow_sample")}
    ways["random"] = random_batches(pairs, len(negatives.left), settings)
    found = {}
    for name, batches in ways.items():
        rows = [tower.encoder(pairs.queries.take(asked)).rows for (asked, _), _ in zip(batches, range(10))]
        found[name] = float(np.mean([(np.square(each.sum(0)).sum() - len(each)) / (len(each) * (len(each) - 1)) for each in rows]))
    return {"mean cosine of two queries of a batch": found}


def world() -> Data:
    """Programs whose summaries and descriptions use different words for the same things, which only the pairs tell."""
    random = np.random.default_rng(0)
    first, second = ("ba", "ki", "lo", "mu", "ne", "ro"), ("dan", "fel", "gor", "hix", "jup", "vat")
    said = np.array([before + after for before in first for after in second])
    meant = random.integers(0, len(said), (600, 4))
    other = np.roll(np.array([word[::-1] for word in said]), 7)
    items = Catalog.of(short=[" ".join(said[each[:3]]) for each in meant], long=[" ".join(other[each]) for each in meant])
    return Data(name="two-tongues", items=items)
