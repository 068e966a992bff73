"""Say which hits are relevant, by a cosine that the query rescales; from "Relevance Filtering for Embedding-based Retrieval"
(Rossi, Lin, Liu, Yang, Lee, Magnani, Liao, CIKM 2024).

A searcher by vectors always returns k things. A small network on the query's vector gives the parameters of a monotone function of the
cosine, its value is the chance of relevance, and one threshold for all queries cuts the lists. Measured out of fold, 5 folds over queries:
at 95 % of the recall of the full list, how much of what is kept is relevant; against the best cut on the cosine itself, Platt's scaling,
a fixed k, z-scores by list, the largest gap, and a truncation model that reads the whole list of scores.
The paper's network reads the query's vector alone, from tens of thousands of queries; some hundred are judged here, so it is given
principal coordinates and the query's products with a sample of the items instead. The figures of the paper are on MS MARCO and on a
shop's own searches, neither of which is here. Left out: the encoder trained together with the adapter, since ours stays as it is.
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
from nearkin.metrics.probability import average_precision, brier, calibration_error, cut_for_recall, reliability
from nearkin.metrics.retrieval import per_query
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.refiners.cosine_adapter import CosineAdapter
from nearkin.refiners.cut import Cut
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
    tiny_s=20.0,
)
RECALL, FOLDS, GAIN = 0.95, 5, 1.10
SCORED = dict[str, np.ndarray]  # by system: a score for each hit, float64 [q, k], that one threshold is put on


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper names the families; the sizes are ours."""

    families: tuple[str, ...] = ("linear", "root", "power")  # one is taken, by queries left out of the training part
    depth: int = 100  # ours; hits a query
    dim: int = 8  # ours; the paper reads all coordinates
    hidden: int = 8  # ours; paper 128
    model: str = "minilm"
    seed: int = 0  # of the folds, the network and the draws

    @classmethod
    def tiny(cls) -> Self:
        return cls(families=("linear",), depth=30, dim=4, hidden=4, model="static")


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
    return CosineAdapter(encoder=encoder, family=family, goal=RECALL, dim=settings.dim, hidden=settings.hidden, seed=settings.seed)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """All systems out of fold over the judged queries, at the same recall; then what the adapter promises beside."""
    queries, truth = judged(data)
    asked = _Known(vectors=_encoder(settings)(queries))
    items = _encoder(settings)(data.items)
    hits = FlatIndex(k=settings.depth).fit(items)(asked.vectors)
    right = grades(hits, truth) > 0
    ours, deployed, chosen = out_of_fold(hits, truth, asked, items, settings)
    scored = {"ours": ours, **plain(hits), "truncation model": truncation(hits, right, settings.seed)}
    platt, platt_cut, _ = out_of_fold(hits, truth, asked, items, replace(settings, families=("raw",)))
    scored["Platt"] = platt
    cuts = {name: cut_for_recall(right.ravel().astype(int), score.ravel(), RECALL) for name, score in scored.items()}
    kept = {name: scored[name] >= cuts[name][0] for name in scored}
    line = Measured(
        metric=CARD.metrics[0],
        values={name: (right & kept[name]).sum(1).astype(float) for name in scored},
        sizes={name: kept[name].sum(1).astype(float) for name in scored},
    )
    gain = cuts["ours"][1] / cuts["raw cosine"][1]
    same = unmoved(hits, truth, asked, items, settings)
    figures = {
        "precision over that of the raw cut": gain,
        "nDCG@10 and AP the same to the last digit": same,
        "families chosen": chosen,
        "PR-AUC": {name: average_precision(right.ravel().astype(int), score.ravel()) for name, score in scored.items()},
        "PR-AUC, ours less raw cosine, 95 % interval over queries": area_interval(right, ours, scored["raw cosine"]),
        "hits kept a query, share of empty lists, share of queries that lose all": {name: shape(right, kept[name]) for name in kept},
        "precision at 90 % of the recall": {n: cut_for_recall(right.ravel().astype(int), s.ravel(), 0.9)[1] for n, s in scored.items()},
        "with thresholds of the training folds: recall, precision, F1": {
            "ours": pooled(right, deployed), "Platt": pooled(right, platt_cut), "largest gap": pooled(right, gap_ranks(hits, 1)),
        },
        "calibration error and Brier, ours and Platt": [
            f(right.ravel().astype(int), s.ravel()) for s in (ours, platt) for f in (calibration_error, _brier)
        ],
        "reliability: given, happened, pairs": [each.tolist() for each in reliability(right.ravel().astype(int), ours.ravel())],
        "empty lists with the relevant things taken out: recall, ours, raw cosine": nothing_left(right, ours, scored["raw cosine"]),
        "judged pairs alone: precision at that recall, raw cosine and ours": judged_alone(hits, truth, asked, items, settings),
        "recall on 1-bit vectors: threshold for the floats, fitted again": requantised(truth, asked, items, settings),
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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known(Encoder):
    """Vectors of queries, looked up by id."""

    vectors: Vectors

    def __call__(self, catalog: Catalog) -> Vectors:
        things: Any = self.vectors.things
        return Vectors(np.asarray(self.vectors.rows[things.rows_of(catalog.ids)]), catalog)


def folds(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training rows and test rows of each fold."""
    for part in np.array_split(np.random.default_rng(seed).permutation(count), FOLDS):
        yield np.setdiff1d(np.arange(count), part), part


def out_of_fold(
    hits: Hits, truth: Links, encoder: Encoder, items: Vectors, settings: Settings, unjudged: Any = "wrong"
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Chances of every hit by an adapter that did not see its query, whether that adapter kept it, and the families taken."""
    chances, kept, chosen = np.zeros(hits.rows.shape), np.zeros(hits.rows.shape, bool), []
    for rest, part in folds(len(hits), settings.seed):
        tried = [
            replace(_adapter(encoder, replace(settings, families=(family,))), unjudged=unjudged).fit(hits.take(rest), truth, items=items)
            for family in settings.families
        ]
        best = min(tried, key=lambda one: one.tuned_["log-loss"])  # type: ignore[index]
        chances[part] = best.relevance(hits.take(part)).scores
        kept[part] = chances[part] >= best.threshold_
        chosen.append(best.family)
    return np.where(hits.rows >= 0, chances, 0.0), kept & (hits.rows >= 0), chosen


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


def unmoved(hits: Hits, truth: Links, encoder: Encoder, items: Vectors, settings: Settings) -> bool:
    """Whether no measure of order changes by a digit under the adapter."""
    found = _adapter(encoder, settings).fit(hits, truth, items=items).relevance(hits)
    before, after = (per_query(each, truth, ("nDCG@10", "AP")) for each in (hits, found))
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


def nothing_left(right: np.ndarray, ours: np.ndarray, raw: np.ndarray) -> list[list[float]]:
    """The share of queries shown nothing once their relevant things are out of the catalogue, at thresholds of equal recall."""
    labels, lines = right.ravel().astype(int), []
    for recall in (0.95, 0.8, 0.5):
        shares = [float(empty((score >= cut_for_recall(labels, score.ravel(), recall)[0]) & ~right).mean()) for score in (ours, raw)]
        lines.append([recall, *shares])
    return lines


def judged_alone(hits: Hits, truth: Links, encoder: Encoder, items: Vectors, settings: Settings) -> list[float]:
    """The other assumption: hits without judgement are unknown, in training and in measuring. Empty where no wrong hit is judged."""
    known = grades(hits, truth)
    if (known == 0).sum() < 20:
        return []
    ours, _, _ = out_of_fold(hits, truth, encoder, items, replace(settings, families=settings.families[:1]), "unknown")
    labels = (known[known >= 0] > 0).astype(int)
    return [cut_for_recall(labels, score[known >= 0], RECALL)[1] for score in (hits.scores.astype(float), ours)]


def requantised(truth: Links, encoder: _Known, items: Vectors, settings: Settings) -> list[float]:
    """Recall of test folds when each coordinate of an item is but a sign: under the adapter for floats, and fitted again."""
    signs = np.where(items.rows >= 0, 1, -1).astype(np.float32) * np.float32(np.abs(items.rows).mean())
    exact, coarse = (FlatIndex(k=settings.depth).fit(Vectors(rows, items.things))(encoder.vectors) for rows in (items.rows, signs))
    right, kept, rest = grades(coarse, truth) > 0, np.zeros((2, *coarse.rows.shape), bool), next(iter(folds(len(coarse), settings.seed)))
    for place, hits in enumerate((exact, coarse)):
        one = _adapter(encoder, settings).fit(hits.take(rest[0]), truth, items=items)
        kept[place, rest[1]] = one.relevance(coarse.take(rest[1])).scores >= one.threshold_
    return [float((right & each)[rest[1]].sum() / right[rest[1]].sum()) for each in kept]


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
