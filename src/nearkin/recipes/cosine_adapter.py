"""Say which hits are relevant, by a cosine that the query rescales; from "Relevance Filtering for Embedding-based Retrieval"
(Rossi, Lin, Liu, Yang, Lee, Magnani, Liao, CIKM 2024).

A searcher by vectors always returns k things. A small network on the query's vector gives the parameters of a monotone function of the
cosine, its value is the chance of relevance, and one threshold for all queries cuts the lists. Measured out of fold, 5 folds over queries:
at 95 % of the recall of the full list, how much of what is kept is relevant; against the best cut on the cosine itself, Platt's scaling,
a fixed k, z-scores by list, the largest gap, and a truncation model that reads the whole list of scores.
The paper's network reads the query's vector alone, from tens of thousands of queries; some hundred are judged here, so ours is given
principal coordinates, the query's products with a sample of the items, and the scores at some places of the list ("query alone" is
without these). Networks of several folds and weight decays are averaged, since so few queries cannot say which is best. The figures of
the paper are on MS MARCO and on a shop's own searches, neither of which is here. Left out: the encoder trained together with the
adapter, since ours stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.indexes.flat_index import FlatIndex
from nearkin.matchers.logistic import fit_logistic
from nearkin.metrics.filtering import empty, grades, lost_all
from nearkin.metrics.probability import auc, average_precision, brier, calibration_error, cut_for_recall, reliability
from nearkin.metrics.retrieval import per_query
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.refiners.cosine_adapter import CosineAdapter
from nearkin.refiners.cut import Cut
from nearkin.refiners.places import repacked
from nearkin.refiners.thresholds import for_recall
from nearkin.stage import Encoder, Stage
from nearkin.tables import Catalog, Data, Hits, Links, Vectors

CARD = Card(
    paper=10,
    title="Relevance filtering for embedding-based retrieval (Cosine Adapter)",
    claim="at 95 % of the list's recall, a tenth more of what is kept is relevant than with the best cut on the cosine; order untouched",
    kind="system",
    task="own",
    data=("icecat-search", "ir-cranfield", "ir-scifact"),
    metrics=("precision at 95 % of the list's recall",),
    beats=("raw cosine",),
    seeds=(0, 1, 2),
    tiny_s=4.0,
)
RECALL, FOLDS, GAIN = 0.95, 5, 1.10
EMPTY = "empty lists: recall, with the relevant things taken out (ours, raw cosine), as they are (ours, raw cosine)"
SCORED = dict[str, np.ndarray]  # by system: a score for each hit, float64 [q, k], that one threshold is put on


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper names the families; the sizes are ours."""

    families: tuple[str, ...] = ("linear", "root", "power")  # one is taken, by queries left out of the training part
    depth: int = 100  # ours; hits a query
    dim: int = 8  # ours; the paper reads all coordinates
    hidden: int = 8  # ours; paper 128
    ranks: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)  # ours; places of the list that are read too
    model: str = "minilm"
    seed: int = 0  # of the folds, the network and the draws

    @classmethod
    def tiny(cls) -> Self:
        return cls(families=("linear",), depth=30, dim=4, hidden=4, ranks=(1, 5, 30), model="static")


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Search, then the adapter fitted on the judgements that may be learned from."""
    encoder, index, hits = _searched(data.need("train_truth"), settings)
    return encoder >> index >> _adapter(encoder, settings).fit(hits, data.train_truth, items=index.items_)  # type: ignore[arg-type]


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The best cut on the cosine itself, and Platt's scaling, which does not look at the query."""
    encoder, index, hits = _searched(data.need("train_truth"), settings)
    least = for_recall(hits.scores.astype(float), grades(hits, data.train_truth), RECALL)  # type: ignore[arg-type]
    platt = _adapter(encoder, replace(settings, families=("raw",))).fit(hits, data.train_truth)  # type: ignore[arg-type]
    return {"raw cosine": encoder >> index >> Cut(least=least), "Platt": encoder >> index >> platt}


def _encoder(settings: Settings) -> Encoder:
    return StaticWords() if settings.model == "static" else Cached(encoder=SentenceModel(model=settings.model))


def _searched(data: Data, settings: Settings) -> tuple[Encoder, FlatIndex, Hits]:
    encoder = _encoder(settings)
    index = FlatIndex(k=settings.depth).fit(encoder(data.items))
    return encoder, index, index(encoder(data.train_truth.left))  # type: ignore[union-attr]


def _adapter(encoder: Encoder, settings: Settings) -> CosineAdapter:
    family: Any = settings.families[0]
    return CosineAdapter(
        encoder=encoder, family=family, goal=RECALL, dim=settings.dim, hidden=settings.hidden, ranks=settings.ranks, seed=settings.seed
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known(Encoder):
    """Vectors of queries, looked up by id."""

    vectors: Vectors

    def __call__(self, catalog: Catalog) -> Vectors:
        things: Any = self.vectors.things
        return Vectors(np.asarray(self.vectors.rows[things.rows_of(catalog.ids)]), catalog)

    def search(self, items: Vectors, depth: int) -> Hits:
        """All of them against these items."""
        return FlatIndex(k=depth).fit(items)(self.vectors)


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The lists of all judged queries, and what an adapter is fitted with."""

    hits: Hits
    truth: Links
    encoder: _Known
    items: Vectors
    settings: Settings

    @classmethod
    def of(cls, data: Data, settings: Settings) -> Self:
        queries, truth = judged(data)
        encoder, items = _Known(vectors=_encoder(settings)(queries)), _encoder(settings)(data.items)
        return cls(hits=encoder.search(items, settings.depth), truth=truth, encoder=encoder, items=items, settings=settings)

    def under(self, **settings: Any) -> Lists:
        return replace(self, settings=replace(self.settings, **settings))

    def adapter(self, rows: np.ndarray, **change: Any) -> CosineAdapter:
        """Fitted on the lists of these queries."""
        return replace(_adapter(self.encoder, self.settings), **change).fit(self.hits.take(rows), self.truth, items=self.items)

    def bare(self) -> Hits:
        """The lists as they are once everything relevant is out of the catalogue."""
        most = int(np.bincount(self.truth.left_rows[self.truth.weight > 0]).max(initial=0))
        deep = self.encoder.search(self.items, self.hits.k + most)
        left = repacked(deep, (deep.rows >= 0) & (grades(deep, self.truth) <= 0))
        return Hits(left.rows[:, : self.hits.k], left.scores[:, : self.hits.k], left.queries, left.items)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """All systems out of fold over the judged queries, at the same recall; then what the adapter promises beside."""
    lists = Lists.of(data, settings)
    hits, bare, right = lists.hits, lists.bare(), grades(lists.hits, lists.truth) > 0
    labels = right.ravel().astype(int)
    ours, platt = out_of_fold(lists, bare), out_of_fold(lists.under(families=("raw",), ranks=()), bare)
    scored = {"ours": ours.chances, **plain(hits), "truncation model": truncation(hits, right, settings.seed), "Platt": platt.chances}
    scored["query alone"] = out_of_fold(lists.under(families=settings.families[:1], ranks=()), bare).chances
    cuts = {name: cut_for_recall(labels, score.ravel(), RECALL) for name, score in scored.items()}
    kept = {name: scored[name] >= cuts[name][0] for name in scored}
    line = Measured(
        metric=CARD.metrics[0],
        values={name: (right & kept[name]).sum(1).astype(float) for name in scored},
        sizes={name: kept[name].sum(1).astype(float) for name in scored},
    )
    gain = cuts["ours"][1] / cuts["raw cosine"][1]
    same, everything = unmoved(lists), right.any(1)
    full, emptied = {"ours": ours.chances, "raw": scored["raw cosine"]}, {"ours": ours.bare, "raw": listed(bare)}
    figures = {
        "precision over that of the raw cut": gain,
        "nDCG@10 and AP the same to the last digit": same,
        "families chosen": ours.families,
        "PR-AUC": {name: average_precision(labels, score.ravel()) for name, score in scored.items()},
        "PR-AUC, ours less raw cosine, 95 % interval over queries": area_interval(right, ours.chances, scored["raw cosine"]),
        "hits kept a query, share of empty lists, share of queries that lose all": {name: shape(right, kept[name]) for name in kept},
        "precision at 90 % of the recall": {name: cut_for_recall(labels, score.ravel(), 0.9)[1] for name, score in scored.items()},
        "with thresholds of the training folds: recall, precision, F1": {
            "ours": pooled(right, ours.kept), "Platt": pooled(right, platt.kept), "largest gap": pooled(right, gap_ranks(hits, 1)),
        },
        "calibration error and Brier, ours and Platt": [
            f(labels, each.chances.ravel()) for each in (ours, platt) for f in (calibration_error, _brier)
        ],
        "reliability: given, happened, pairs": [each.tolist() for each in reliability(labels, ours.chances.ravel())],
        EMPTY: nothing_left(labels, full, emptied),
        "lists with and without anything relevant told apart by their best score, AUC, ours and raw cosine": [
            told_apart(full[name][everything], emptied[name][everything]) for name in full
        ],
        "judged pairs alone: precision at that recall, raw cosine and ours": judged_alone(lists),
        "recall on 1-bit vectors: threshold for the floats, fitted again": requantised(lists),
    }  # fmt: skip
    return Measures(measured=[line], figures=figures, curves=[curve(data.name, right, scored)], holds=bool(gain >= GAIN and same))


def judged(data: Data) -> tuple[Catalog, Links]:
    """All judged queries, those of the training judgements too, since the folds part them anew."""
    data.need("truth", "queries")
    truth, more = data.truth, data.train_truth
    if more is None:
        return truth.left, truth  # type: ignore[union-attr]
    queries = truth.left.followed_by(more.left)  # type: ignore[union-attr]
    left = np.concatenate([truth.left_rows, more.left_rows + len(truth.left)])  # type: ignore[union-attr]
    right, weight = (np.concatenate([getattr(each, name) for each in (truth, more)]) for name in ("right_rows", "weight"))
    return queries, Links(queries, data.items, left, right, weight=weight)


def folds(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training rows and test rows of each fold."""
    for part in np.array_split(np.random.default_rng(seed).permutation(count), FOLDS):
        yield np.setdiff1d(np.arange(count), part), part


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """What adapters say of queries they did not see: chances and whether kept [q, k], chances of bare lists [q, k]; families taken."""

    chances: np.ndarray
    kept: np.ndarray
    bare: np.ndarray
    families: list[str]


def out_of_fold(lists: Lists, bare: Hits, unjudged: Any = "wrong") -> OutOfFold:
    chances, kept, emptied, chosen = np.zeros(bare.rows.shape), np.zeros(bare.rows.shape, bool), np.zeros(bare.rows.shape), []
    for rest, part in folds(len(bare), lists.settings.seed):
        tried = [lists.adapter(rest, family=family, unjudged=unjudged) for family in lists.settings.families]
        best = min(tried, key=lambda one: one.log_loss_)  # type: ignore[arg-type, return-value]
        chances[part], emptied[part] = (listed(best.relevance(hits.take(part))) for hits in (lists.hits, bare))
        kept[part] = chances[part] >= best.threshold_
        chosen.append(best.family)
    return OutOfFold(chances=chances, kept=kept, bare=emptied, families=chosen)


def listed(hits: Hits) -> np.ndarray:
    """Scores, 0 at pads: float64 [q, k]."""
    return np.where(hits.rows >= 0, hits.scores, 0.0).astype(float)


def plain(hits: Hits) -> SCORED:
    """What needs no learning: the cosine itself, the rank, the cosine within its list, the largest gap past a least rank."""
    scores = hits.scores.astype(float)
    spread = np.maximum(scores.std(1, keepdims=True), 1e-9)
    ranks = -np.arange(hits.k, dtype=float)[None].repeat(len(hits), 0)
    return {
        "raw cosine": scores,
        "fixed k": ranks,
        "z-score": (scores - scores.mean(1, keepdims=True)) / spread,
        "largest gap": -np.argmax(np.stack([gap_ranks(hits, least) for least in range(1, hits.k + 1)]), axis=0).astype(float),
    }


def gap_ranks(hits: Hits, least: int) -> np.ndarray:
    """Hits up to the largest fall between two scores, the first `least` kept in any case: bool [q, k]."""
    falls = -np.diff(hits.scores.astype(float), axis=1, append=hits.scores[:, -1:])
    falls[:, : least - 1] = -1
    return np.arange(hits.k) <= falls.argmax(1)[:, None]


def truncation(hits: Hits, right: np.ndarray, seed: int) -> np.ndarray:
    """A list cut by a logistic model of each place: its score, rank, distance to the first and the next, and the list's shape.

    Chances never rise along a list, so that a threshold cuts it at one place.
    """
    scores, rank = hits.scores.astype(float), np.log1p(np.arange(hits.k))[None].repeat(len(hits), 0)
    wide = lambda column: np.repeat(column[:, None], hits.k, 1)  # noqa: E731
    first, middle, last = wide(scores[:, 0]), wide(scores.mean(1)), wide(scores[:, -1])
    falls = scores - np.concatenate([scores[:, 1:], scores[:, -1:]], 1)
    spread = wide(scores.std(1))
    each = [scores, rank, first, middle, last, spread, first - scores, falls, (scores - middle) / np.maximum(spread, 1e-9), scores * rank]
    values, found = np.stack(each, -1), np.zeros(scores.shape)
    for rest, part in folds(len(hits), seed):
        rows = values[rest].reshape(-1, values.shape[-1])
        model = fit_logistic(rows, right[rest].ravel().astype(float), np.ones(len(rows)))
        found[part] = model.scores(values[part].reshape(-1, values.shape[-1])).reshape(len(part), -1)
    return np.minimum.accumulate(found, 1)


def unmoved(lists: Lists) -> bool:
    """Whether no measure of order changes by a digit under the adapter."""
    found = lists.adapter(np.arange(len(lists.hits))).relevance(lists.hits)
    before, after = (per_query(each, lists.truth, ("nDCG@10", "AP")) for each in (lists.hits, found))
    return all(bool((before[name] == after[name]).all()) for name in before)


def area_interval(right: np.ndarray, ours: np.ndarray, raw: np.ndarray, rounds: int = 100) -> list[float]:
    random, found = np.random.default_rng(0), []
    for _ in range(rounds):
        draw = random.integers(0, len(right), len(right))
        labels = right[draw].ravel().astype(int)
        found.append(average_precision(labels, ours[draw].ravel()) - average_precision(labels, raw[draw].ravel()))
    return np.quantile(found, [0.025, 0.975]).tolist()


def shape(right: np.ndarray, kept: np.ndarray) -> list[float]:
    return [float(kept.sum(1).mean()), float(empty(kept).mean()), float(lost_all(right, kept).mean())]


def pooled(right: np.ndarray, kept: np.ndarray) -> list[float]:
    """Recall, precision and F1 over all hits."""
    both = float((right & kept).sum())
    return [both / right.sum(), both / max(kept.sum(), 1), 2 * both / (right.sum() + kept.sum())]


def _brier(labels: np.ndarray, chances: np.ndarray) -> float:
    return float(brier(labels, chances).mean())


def nothing_left(labels: np.ndarray, full: SCORED, bare: SCORED) -> list[list[float]]:
    """The share of queries shown nothing at thresholds of equal recall: once their relevant things are gone, and while they are there."""
    lines = []
    for recall in (0.95, 0.8, 0.5):
        cuts = {name: cut_for_recall(labels, score.ravel(), recall)[0] for name, score in full.items()}
        lines.append([recall, *(float(empty(each[name] >= cuts[name]).mean()) for each in (bare, full) for name in full)])
    return lines


def told_apart(full: np.ndarray, bare: np.ndarray) -> float:
    return auc(np.repeat([1, 0], len(full)), np.r_[full.max(1), bare.max(1)])


def judged_alone(lists: Lists) -> list[float]:
    """The other assumption: hits without judgement are unknown, in training and in measuring. Empty where no wrong hit is judged."""
    known = grades(lists.hits, lists.truth)
    if (known == 0).sum() < 20:
        return []
    ours = out_of_fold(lists.under(families=lists.settings.families[:1]), lists.hits, "unknown").chances
    labels = (known[known >= 0] > 0).astype(int)
    return [cut_for_recall(labels, score[known >= 0], RECALL)[1] for score in (listed(lists.hits), ours)]


def requantised(lists: Lists) -> list[float]:
    """Recall of a test fold when each coordinate of an item is but a sign: under the adapter for floats, and fitted again."""
    rows = lists.items.rows
    signs = Vectors(np.where(rows >= 0, 1, -1).astype(np.float32) * np.float32(np.abs(rows).mean()), lists.items.things)
    coarse = replace(lists, hits=lists.encoder.search(signs, lists.hits.k))
    rest, part = next(folds(len(coarse.hits), lists.settings.seed))
    hits = coarse.hits.take(part)
    right = grades(hits, lists.truth) > 0
    return [pooled(right, one.relevance(hits).scores >= one.threshold_)[0] for one in (lists.adapter(rest), coarse.adapter(rest))]


def curve(name: str, right: np.ndarray, scored: Mapping[str, np.ndarray]) -> Curve:
    """Precision by recall, pooled over the hits of all queries."""
    recalls, lines, labels = np.linspace(0.1, 1, 19), {}, right.ravel().astype(int)
    for system in ("ours", "raw cosine", "z-score", "fixed k", "truncation model"):
        lines[system] = (recalls.tolist(), [cut_for_recall(labels, scored[system].ravel(), float(at))[1] for at in recalls])
    return Curve(title=name, x="share of the list's relevant hits kept", y="precision of what is kept", lines=lines)


WORDS = (
    "river", "stone", "apple", "music", "engine", "doctor", "winter", "silver", "garden", "market", "bottle",
    "window", "letter", "dragon", "planet", "coffee", "camera", "forest", "bridge", "island", "hammer", "pencil",
    "rocket", "violin", "candle", "turtle", "helmet", "carpet", "mirror", "ladder", "button", "basket",
)  # fmt: skip


def world() -> Data:
    """Wide questions of one word, answered by all things with it, and narrow ones of four words, answered by one thing alone."""
    random = np.random.default_rng(0)
    held = [sorted(random.permutation(len(WORDS))[:4].tolist()) for _ in range(240)]
    wide = [[word] for word in range(len(WORDS))] * 2
    narrow = held[:: 240 // len(wide)][: len(wide)]
    asked = [words for pair in zip(wide, narrow) for words in pair]
    text = lambda lists: [" ".join(WORDS[word] for word in words) for words in lists]  # noqa: E731
    items, queries = Catalog.of([f"i{row}" for row in range(240)], title=text(held)), Catalog.of(title=text(asked))
    pairs = [(q, i) for q, words in enumerate(asked) for i, own in enumerate(held) if set(words) <= set(own)]
    truth = Links(queries, items, *np.array(pairs).T)
    return Data(name="wide-and-narrow", items=items, queries=queries, truth=truth)
