"""Search by a scorer of pairs without scoring all pairs; from "Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix
Factorization" (Yadav, Monath, Angell, Zaheer, McCallum, 2022; ANNCUR), with the rounds of its sequel (2023; ADACUR).

A cross-encoder scores all items for some training queries; a new query is scored with a few random items, a CUR factorisation foretells
its scores for the others, and the best of these are scored too. Compared, at equal calls of the scorer a query (anchors and re-ranked
items together): the first items of MiniLM vectors, of BM25, and of a dual encoder fitted to the same score matrix, all re-ranked; anchor
items in place of anchor queries. What is found is judged by the scorer's own exact order, and by whether the right item comes first.

Ours: a cross-encoder of two layers (the paper's: BERT-base), products in place of entities, as the paper's texts are not to be had; the
[EMB] head takes the mean of each side's states, not of marker tokens; the dual encoder is a linear map of MiniLM vectors, which is cheap
and fair for so few pairs. Sets with more items than `read` are scored by edit likeness, queries being other items: a black box without a
network. The paper does not sweep rcond; share, rcond and rounds are chosen on a fourth of the anchor queries. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import product
from typing import Any, Literal, Self

import numpy as np

from nearkin import worlds
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.cross_encoder_index import CrossEncoderIndex
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.refiners.cached_scores import CachedScores
from nearkin.refiners.cross_encoder import CrossEncoder
from nearkin.refiners.edit_likeness import EditLikeness
from nearkin.stage import Encoder, Refiner, Stage, top
from nearkin.stage.cache import cache_folder
from nearkin.stage.pair_scores import pair_scores
from nearkin.tables import Catalog, Data, Hits, Links, Vectors, best

CARD = Card(
    paper=57,
    title="ANNCUR: nearest neighbours of a cross-encoder by CUR factorisation",
    claim="at equal calls, anchors and a CUR factorisation find 5 points more of a cross-encoder's top 50 and 100 than dense + rerank",
    kind="system",
    task="own",
    data=("er-abt-buy", "icecat-search"),
    metrics=("Recall@50", "Recall@100"),
    beats=("dense + rerank",),
    seeds=(0, 1, 2),
    tiny_s=2.0,
)
TOPS = (1, 10, 50, 100)
FIELDS = ("name", "title")  # short texts; a set has one of them


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper's grid is for 10,000 to 100,000 entities and 500 anchor queries; ours is for thousands of items."""

    budget: int = 200  # calls a query at which the claim is judged
    budgets: tuple[int, ...] = (50, 100, 200, 500)
    anchor_queries: int = 128  # ours; training queries whose scores make the index
    trained: int = 600  # ours; matched pairs that the cross-encoder learns from
    epochs: int = 6  # ours
    asked: int = 80  # ours; test queries
    items: int = 10_000  # ours; the most taken of a set
    read: int = 2_000  # ours; sets with more items are scored by edit likeness
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)  # of the budget for anchors
    rconds: tuple[float, ...] = (0.0003, 0.001, 0.005)  # ours
    rounds: int = 4
    item_anchors: int = 50  # ours; of the item-item rival
    seed: int = 0  # of the anchor items; the split and the cross-encoder are the same for all seeds

    @classmethod
    def tiny(cls) -> Self:
        few = {"anchor_queries": 30, "trained": 16, "epochs": 1, "asked": 10, "rounds": 2, "item_anchors": 15}
        return cls(budget=30, budgets=(15, 30), shares=(0.5,), rconds=(0.001,), **few)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked of what, and by which scorer."""

    scorer: Refiner
    items: Catalog
    anchors: Catalog  # anchor queries
    asked: Catalog
    right: Links | None  # the right items of all queries, where known
    dense: Encoder


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The index with the anchor queries of the training part, half of the budget for anchors."""
    task = task_of(data, settings)
    return ours(task, settings.budget, {"anchoring": 0.5, "rcond": 0.001}, settings.seed).fit(task.items)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """Retrieve the whole budget, and re-rank it by the scorer."""
    task = task_of(data, settings)
    words = BagOfWords(fields=FIELDS).fit(task.items)
    return {
        "dense + rerank": task.dense >> FlatIndex(k=settings.budget).fit(task.dense(task.items)) >> task.scorer >> top(max(TOPS)),
        "BM25 + rerank": words >> InvertedIndex(k=settings.budget).fit(words(task.items)) >> task.scorer >> top(max(TOPS)),
    }


def ours(task: Task, budget: int, choice: Mapping[str, Any], seed: int) -> CrossEncoderIndex:
    """The index, not fitted yet; `choice` holds settings, `queries` among them for anchor items in place of anchor queries."""
    return CrossEncoderIndex(
        **{"scorer": task.scorer, "queries": task.anchors, "k": min(max(TOPS), budget), "budget": budget, "seed": seed, **choice}
    )


def task_of(data: Data, settings: Settings) -> Task:
    """The scorer of this set's size, with anchor queries, test queries and items that have nothing to do with each other."""
    order = np.random.default_rng(0).permutation(len(data.items if len(data.items) > settings.read else data.need("queries").queries))
    parts = np.split(order, np.cumsum([settings.asked, settings.anchor_queries]))
    if len(data.items) > settings.read:
        asked, anchors, items = (data.items.take(np.sort(rows)) for rows in (*parts[:2], parts[2][: settings.items]))
        return Task(
            scorer=CachedScores(scorer=EditLikeness(query_fields=FIELDS, item_fields=FIELDS)),
            items=items,
            anchors=anchors,
            asked=asked,
            right=None,
            dense=StaticWords(fields=FIELDS),
        )
    dense = Cached(encoder=SentenceModel(fields=FIELDS, max_tokens=32))
    learned_from = data.queries.take(np.concatenate(parts[1:])[: settings.trained])  # the anchor queries among them
    return Task(
        scorer=CachedScores(scorer=trained(data, learned_from, dense, "pooled", settings.epochs)),
        items=data.items,
        anchors=data.queries.take(parts[1]),
        asked=data.queries.take(parts[0]),
        right=data.truth,
        dense=dense,
    )


def trained(data: Data, queries: Catalog, dense: Encoder, head: Literal["pooled", "cls"], epochs: int) -> CrossEncoder:
    """The cross-encoder, read from the cache where it was trained before."""
    stage = CrossEncoder(head=head, query_fields=FIELDS, item_fields=FIELDS, max_tokens=20, epochs=epochs)
    key = blake2b(f"{stage!r} {data.fingerprint} {queries.fingerprint}".encode(), digest_size=12).hexdigest()
    folder = cache_folder() / "stages" / f"CrossEncoder-{key}"
    if not folder.exists():
        stage.fit(candidates(data.items, queries, dense), data.need("truth").truth).save(folder)
    return Stage.load(folder)  # type: ignore[return-value]


def candidates(items: Catalog, queries: Catalog, dense: Encoder) -> Hits:
    """To learn from: what MiniLM and BM25 find, 12 each, and 12 random items, so that far ones are known to be far."""
    words = BagOfWords(fields=FIELDS).fit(items)
    found = [FlatIndex(k=12).fit(dense(items))(dense(queries)).rows, InvertedIndex(k=12).fit(words(items))(words(queries)).rows]
    random = np.random.default_rng(0).integers(0, len(items), (len(queries), 12))
    rows = [np.unique(line[line >= 0]) for line in np.concatenate([*found, random], 1)]
    width = max(map(len, rows))
    full = np.stack([np.concatenate([line, np.full(width - len(line), -1)]) for line in rows])
    return Hits(full, np.zeros(full.shape), queries, items)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall of the scorer's own best at equal calls, for each budget; the claim is judged at one of them."""
    task = task_of(data, settings)
    exact = full_scores(task, task.asked)
    ranked = best(exact, max(TOPS), queries=None, items=None).rows
    chosen, sweep = tuned(task, settings)
    found = {budget: systems(task, budget, chosen, settings) for budget in settings.budgets}
    found[settings.budget]["item-item anchors"] = item_item(task, chosen, settings)
    recalls = {budget: {name: recall(rows, ranked) for name, rows in each.items()} for budget, each in found.items()}
    neural = task.right is not None
    judged = {at: {name: each[at] for name, each in recalls[settings.budget].items()} for at in TOPS}
    lines = [Measured(metric=f"Recall@{at}", values=values, decides=neural and at >= 50) for at, values in judged.items()]
    if neural:
        lines.append(accuracy(task, {**found[settings.budget], "all items scored": ranked}))
    figures = {
        "calls a query": settings.budget,
        "items": len(task.items),
        "chosen": chosen,
        "tried on held-out anchor queries": sweep,
        "recall by budget": {budget: means(each) for budget, each in recalls.items()},
        "calls to index": index_calls(task, settings),
        "singular values over the greatest, of ranks 1 2 5 10 20 40": spectra(data, task, settings),
    }
    judge = neural and settings.budget >= max(TOPS)
    led = [float((judged[at]["ours"] - judged[at]["dense + rerank"]).mean()) for at in (50, 100)]
    return Measures(measured=lines, figures=figures, curves=curves(recalls, task), holds=min(led) >= 0.05 if judge else None)


def full_scores(task: Task, queries: Catalog) -> np.ndarray:
    """Every item scored: float32 [q, n]."""
    return pair_scores(task.scorer, queries, task.items, np.tile(np.arange(len(task.items), dtype=np.int32), (len(queries), 1)))


def recall(rows: np.ndarray, ranked: np.ndarray) -> dict[int, np.ndarray]:
    """The share of each query's exact first `at` that is among the `at` first found, for each of TOPS."""
    return {
        at: np.array([np.isin(exact[:at], line[:at]).mean() for exact, line in zip(ranked, rows)]) for at in TOPS if at <= ranked.shape[1]
    }


KINDS: dict[str, dict[str, Any]] = {"ours": {}, "ours in rounds": {"prefer": "cols"}}


def systems(task: Task, budget: int, chosen: Mapping[str, Mapping[str, Any]], settings: Settings) -> dict[str, np.ndarray]:
    """What each finds with this many calls a query: rows [q, 100]."""
    words = BagOfWords(fields=FIELDS).fit(task.items)
    vectors, asked = task.dense(task.items), task.dense(task.asked)
    retrieved = {
        "dense + rerank": FlatIndex(k=budget).fit(vectors)(asked),
        "BM25 + rerank": InvertedIndex(k=budget).fit(words(task.items))(words(task.asked)),
        "distilled + rerank": distilled(task, task.anchors, chosen["distilled + rerank"]["ridge"], budget),
    }
    rows = {name: ours(task, budget, {**KINDS[name], **chosen[name]}, settings.seed).fit(task.items)(task.asked).rows for name in KINDS}
    for name, hits in retrieved.items():
        rows[name] = task.scorer(hits_of(hits, task)).rows[:, : max(TOPS)]
    return rows


def item_item(task: Task, chosen: Mapping[str, Mapping[str, Any]], settings: Settings) -> np.ndarray:
    """Anchor items in place of anchor queries, at one budget and one draw: every anchor costs n calls, and is of use to its draw alone."""
    choice = {"queries": None, "anchoring": settings.item_anchors / settings.budget, "rcond": chosen["ours"]["rcond"]}
    return ours(task, settings.budget, choice, 0).fit(task.items)(task.asked).rows


def hits_of(hits: Hits, task: Task) -> Hits:
    """The hits with the catalogues that the scorer reads."""
    return Hits(hits.rows, hits.scores, task.asked, task.items)


def distilled(task: Task, anchors: Catalog, ridge: float, budget: int, asked: Catalog | None = None) -> Hits:
    """A dual encoder fitted to R, the anchor queries' scores: score(q, i) = mean of R over queries [i] + q M v_i, M by ridge regression."""
    items, known = unit_rows(task.dense(task.items)), unit_rows(task.dense(anchors))
    scores = full_scores(task, anchors).astype(np.float64)
    means = scores.mean(0)
    inside = [np.linalg.inv(side.T @ side + ridge * len(side) / side.shape[1] * np.eye(side.shape[1])) for side in (known, items)]
    middle = inside[0] @ known.T @ (scores - means) @ items @ inside[1]
    queries = task.asked if asked is None else asked
    return best(unit_rows(task.dense(queries)) @ middle @ items.T + means, budget, queries=queries, items=task.items)


def unit_rows(vectors: Vectors) -> np.ndarray:
    return np.asarray(vectors.rows, np.float64)


def tuned(task: Task, settings: Settings) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, float]]]:
    """For each system the settings that find most of the top 50 and 100 of a fourth of the anchor queries, the others being anchors."""
    cut = len(task.anchors) * 3 // 4
    inner = replace(task, anchors=task.anchors.take(np.arange(cut)), asked=task.anchors.take(np.arange(cut, len(task.anchors))))
    ranked = best(full_scores(inner, inner.asked), max(TOPS), queries=None, items=None).rows
    grids = {name: [{"anchoring": share, "rcond": rcond} for share, rcond in product(settings.shares, settings.rconds)] for name in KINDS}
    grids["ours in rounds"] = [{**each, "rounds": settings.rounds} for each in grids["ours in rounds"] if each["anchoring"] >= 0.5]
    chosen, sweep = {}, {}
    for name, grid in grids.items():
        tried = [ours(inner, settings.budget, {**KINDS[name], **each}, settings.seed).fit(inner.items)(inner.asked).rows for each in grid]
        chosen[name], sweep[name] = _best_of(grid, tried, ranked)
    grid = [{"ridge": ridge} for ridge in (0.01, 0.1, 1.0)]
    tried = [inner.scorer(distilled(inner, inner.anchors, each["ridge"], settings.budget)).rows for each in grid]
    chosen["distilled + rerank"], sweep["distilled + rerank"] = _best_of(grid, tried, ranked)
    return chosen, sweep


def _best_of(grid: list[dict[str, Any]], tried: list[np.ndarray], ranked: np.ndarray) -> tuple[dict[str, Any], dict[str, float]]:
    values = [float(np.mean([recall(rows, ranked)[at].mean() for at in (50, 100)])) for rows in tried]
    named = [" ".join(f"{name}={value}" for name, value in each.items()) for each in grid]
    return grid[int(np.argmax(values))], dict(zip(named, values))


def accuracy(task: Task, found: Mapping[str, np.ndarray]) -> Measured:
    """Whether what the scorer likes best of all that was found is the right item."""
    queries = task.right.left.rows_of(task.asked.ids)  # type: ignore[union-attr]
    offsets, items = task.right.by_left()  # type: ignore[union-attr]
    right = [items[offsets[row] : offsets[row + 1]] for row in queries]
    values = {name: np.array([line[0] in those for line, those in zip(rows, right)], float) for name, rows in found.items()}
    return Measured(metric="right item first", values=values, decides=False)


def means(each: Mapping[str, Mapping[int, np.ndarray]]) -> dict[str, dict[str, float]]:
    return {name: {f"@{at}": float(values.mean()) for at, values in got.items()} for name, got in each.items()}


def index_calls(task: Task, settings: Settings) -> dict[str, int]:
    """Calls of the scorer before the first search."""
    rows = len(task.anchors) * len(task.items)
    own = {"ours": rows, "ours in rounds": rows, "distilled + rerank": rows, "item-item anchors": settings.item_anchors * len(task.items)}
    return {**own, "dense + rerank": 0, "BM25 + rerank": 0, "an item added": len(task.anchors)}


def spectra(data: Data, task: Task, settings: Settings) -> dict[str, list[float]]:
    """How fast the singular values of the first 40 anchor queries' scores fall, the mean taken off; for both heads of a network."""
    few = task.anchors.take(np.arange(min(40, len(task.anchors))))
    if task.right is None:
        return {"edit likeness": fall(full_scores(task, few))}
    order = np.random.default_rng(0).permutation(len(data.queries))[settings.asked :][: settings.trained]
    other = trained(data, data.queries.take(order), task.dense, "cls", settings.epochs)
    return {
        "[EMB] (pooled)": fall(full_scores(task, few)),
        "[CLS]": fall(full_scores(replace(task, scorer=CachedScores(scorer=other)), few)),
        "[EMB] (pooled) through a sigmoid": fall(1 / (1 + np.exp(-full_scores(task, few).astype(np.float64)))),
    }


def fall(scores: np.ndarray) -> list[float]:
    values = np.linalg.svd(scores - scores.mean(), compute_uv=False)
    return [float(values[rank - 1] / max(values[0], 1e-300)) for rank in (1, 2, 5, 10, 20, 40) if rank <= len(values)]


def curves(recalls: Mapping[int, Mapping[str, Mapping[int, np.ndarray]]], task: Task) -> list[Curve]:
    """Recall against calls a query, for the best 1, 10 and 100."""
    budgets = list(recalls)
    names = list(recalls[budgets[0]])  # those of every budget
    lines = {at: {name: (budgets, [recalls[each][name][at].mean() for each in budgets]) for name in names} for at in (1, 10, 100)}
    what = "cross-encoder" if task.right is not None else "edit likeness"
    return [Curve(title=f"{what}, top {at}", x="calls a query", y=f"Recall@{at}", lines=each) for at, each in lines.items()]


def world() -> Data:
    """Things under two descriptions each."""
    return worlds.twins(pairs=120)
