"""A score made comparable between queries, so that one threshold says what is relevant, and an empty list says that nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

import numpy as np
from jaxtyping import Bool, Float

from nearkin.errors import BadInput
from nearkin.metrics.filtering import grades
from nearkin.refiners.places import repacked
from nearkin.refiners.score_maps import FAMILIES, Pairs, Weights, improved, log_loss_of, mean_log_odds, stacked, started, unstacked
from nearkin.refiners.thresholds import RULES, checked_goal
from nearkin.stage import Encoder, Refiner, fitted, learned
from nearkin.tables import Hits, Links, Vectors, unit

DECAYS = (100.0, 30.0, 10.0)  # averaged: to choose one by some hundred queries left out costs more than it gains
FOLDS = 5
HEAD, DRAWN = 20, 20  # unjudged hits learned from: all of the first, and as many drawn from the rest, which then count for all of them
SAMPLE = 1024  # items kept to see how crowded the place of a query is
PROBES, DRIFT = 4, 1e-2  # queries encoded again to know the encoder, and the largest change of a coordinate that rounding may bring


@dataclass(kw_only=True, eq=False)
class CosineAdapter(Refiner):
    """Hits whose score is the chance to be relevant, less those under one threshold for all queries; the order never changes.

    Hits[q, k] -> Hits[q, k], scores in [0, 1]; pads fill the end, and a query with nothing relevant keeps nothing. Works on the
    scores of any searcher: `encoder` reads the queries of the hits, `family` maps their scores (`score_maps`), monotone by
    construction, with parameters that a small network takes from the query's vector: its first `dim` principal coordinates and, when
    `fit` gets vectors of items, its mean, spread and highest products with a sample of them. `ranks`: places of the list whose scores
    the network reads too, the last hit of a shorter list for those past its end.
    `fit` learns from judged hits: networks that each leave out a fifth of the queries, under three weight decays, whose log-odds are
    averaged. The threshold is chosen on queries left out, by the rule `aim` (`thresholds`): "recall", "f1", "kept" or "wrong" with the
    share `goal`. `unjudged`: hits without judgement are "wrong", or, when "unknown", only draws from
    the deeper half of the lists are.
    Cost: q * (d * (dim + 1024) + 15 * k); fitting takes seconds.
    Refused: hits that do not know their queries, an encoder whose vectors are not those it was fitted with, too few judgements, hits
    with a k below the last of `ranks`.
    Source: Rossi et al., "Relevance filtering for embedding-based retrieval", CIKM 2024; the sample of items, the
    places of the list, the averaging, the order of ties and the bounds are ours.
    """

    encoder: Encoder
    family: Literal["raw", "linear", "root", "power"] = "linear"
    aim: Literal["recall", "f1", "kept", "wrong"] = "recall"
    goal: float = 0.95
    unjudged: Literal["wrong", "unknown"] = "wrong"
    dim: int = 8
    hidden: int = 8
    ranks: tuple[int, ...] = ()
    seed: int = 0
    weights_: Weights | None = learned()  # of all networks, stacked
    view_: dict[str, np.ndarray] | None = learned()  # how a vector becomes features
    threshold_: float | None = learned()
    fitted_on_: str | None = learned()  # date
    encoder_: str | None = learned()  # what read the queries
    probe_: Vectors | None = learned()  # some queries as it read them
    log_loss_: float | None = learned()  # a pair, on queries left out

    def __post_init__(self) -> None:
        checked_goal(self.aim, self.goal)
        if self.family not in FAMILIES or self.unjudged not in ("wrong", "unknown"):
            raise BadInput(f"the family is one of {FAMILIES} and unjudged 'wrong' or 'unknown', got {self.family!r}, {self.unjudged!r}")
        if self.ranks and min(self.ranks) < 1:
            raise BadInput(f"ranks count from 1, got {self.ranks}")
        self._known = False

    def fit(self, hits: Hits, judgements: Links, *, items: Vectors | None = None) -> Self:
        """Learn from these hits (of judged queries) and what is known of them; `items`: vectors of the encoder, of which some are kept."""
        vectors, known = self._read(hits), grades(hits, judgements)
        shape = _list_shape(hits, self.ranks)
        self.view_ = _view(vectors.rows, shape, items, self.dim, self.seed)
        features = _features(self.view_, vectors.rows, shape)
        members, left_out, self.log_loss_ = self._left_out(features, _pairs(hits, known, self.unjudged, self.seed), hits)
        self.weights_ = stacked(members)
        known = known if self.unjudged == "unknown" else np.where(hits.rows >= 0, np.maximum(known, 0), known).astype(np.int8)
        self.threshold_ = RULES[self.aim](left_out, known, self.goal)
        self.fitted_on_, self.encoder_ = datetime.now(UTC).date().isoformat(), f"{self.encoder!r}, {vectors.dim} numbers"
        self.probe_, self._known = vectors.take(np.arange(min(PROBES, len(vectors)))), True
        return self

    def __call__(self, hits: Hits) -> Hits:
        found = self.relevance(hits)
        return repacked(found, (found.rows >= 0) & (found.scores >= np.float32(fitted(self).threshold_)))

    def relevance(self, hits: Hits) -> Hits:
        """The same hits in the same order, uncut, with the chance of each to be relevant as its score."""
        self._check_encoder()
        if not hits.rows.size:
            return hits
        features = _features(self.view_, self._read(hits).rows, _list_shape(hits, self.ranks))  # type: ignore[arg-type]
        chances = _chances(mean_log_odds(unstacked(self.weights_), self.family, features, _finite(hits)))  # type: ignore[arg-type]
        return Hits(hits.rows, in_order(chances, hits.scores), hits.queries, hits.items)

    def _read(self, hits: Hits) -> Vectors:
        if hits.queries is None:
            raise BadInput("CosineAdapter needs hits that know their queries; search with a catalogue of queries")
        vectors = self.encoder(hits.queries)
        if not isinstance(vectors, Vectors):
            raise BadInput(f"CosineAdapter reads queries by dense vectors, {type(self.encoder).__name__} gives {type(vectors).__name__}")
        return vectors

    def _check_encoder(self) -> None:
        """Refuse an encoder that does not give the vectors it was fitted with; looked at once."""
        probe = fitted(self).probe_
        if self._known or probe is None or probe.things is None:
            return
        again = self.encoder(probe.things)
        if again.dim != probe.dim or np.abs(again.rows - probe.rows).max(initial=0) > DRIFT:
            now = f"{self.encoder!r}, {again.dim} numbers"
            raise BadInput(f"this CosineAdapter was fitted on {self.fitted_on_} with {self.encoder_}, not with {now}; fit it again")
        self._known = True

    def _path(self, features: np.ndarray, pairs: Pairs) -> list[Weights]:
        """The weights under each decay, each learned from those under the one before; raw has no network to decay."""
        path = [started(self.family, features.shape[1], pairs, hidden=self.hidden, seed=self.seed)]
        for decay in DECAYS[:1] if self.family == "raw" else DECAYS:
            path.append(improved(path[-1], self.family, features, pairs, decay))
        return path[1:]

    def _left_out(self, features: np.ndarray, pairs: Pairs, hits: Hits) -> tuple[list[Weights], Float[np.ndarray, "q k"], float]:
        """Networks that each leave out a fold of queries, the chances they give to its hits, and their log-loss a pair there."""
        members, odds, loss, count = [], np.zeros(hits.rows.shape), 0.0, len(hits)
        for part in np.array_split(np.random.default_rng(self.seed).permutation(count), FOLDS):
            rest = np.setdiff1d(np.arange(count), part)
            path = self._path(features[rest], pairs.of(rest, count))
            odds[part] = mean_log_odds(path, self.family, features[part], _finite(hits)[part])
            loss += sum(log_loss_of(one, self.family, features[part], pairs.of(part, count)) for one in path) / len(path)
            members += path
        return members, np.where(hits.rows >= 0, _chances(odds), 0.0), float(loss / pairs.trust.sum())

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_known": False}


def in_order(chances: Float[np.ndarray, "q k"], scores: Float[np.ndarray, "q k"]) -> Float[np.ndarray, "q k"]:
    """Chances in float32 that fall wherever the scores do, also where rounding had made them equal, and are equal where they are."""
    found = chances.astype(np.float32)
    for place in range(1, found.shape[1]):
        before = found[:, place - 1]
        same = scores[:, place] == scores[:, place - 1]
        below = np.nextafter(before, np.float32(-1))
        found[:, place] = np.where(same, before, np.minimum(found[:, place], below))
    return found


def _finite(hits: Hits) -> Float[np.ndarray, "q k"]:
    return np.where(hits.rows >= 0, hits.scores, 0.0).astype(np.float64)


def _chances(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -700, 700))))


def _pairs(hits: Hits, known: np.ndarray, unjudged: str, seed: int) -> Pairs:
    """The judged hits, and unjudged ones as wrong: the head of each list and draws from the rest, or draws from the deeper half."""
    random, there = np.random.default_rng(seed), hits.rows >= 0
    head = min(HEAD, hits.k) if unjudged == "wrong" else hits.k // 2
    open_ = there & (known < 0)
    open_[:, :head] &= unjudged == "wrong"
    drawn = _drawn(open_, head, random)
    trust = np.where(known >= 0, 1.0, drawn) * there
    query, place = np.nonzero(trust)
    label = (known > 0)[query, place]
    if label.sum() < 2 or label.all() or len(hits) < FOLDS:
        raise BadInput(
            f"CosineAdapter learns from at least {FOLDS} judged queries, with right and wrong hits; "
            f"got {len(hits)} queries, {int(label.sum())} right hits, {int((~label).sum())} wrong; search deeper or judge more"
        )
    return Pairs(query, _finite(hits)[query, place], label.astype(float), trust[query, place])


def _drawn(open_: Bool[np.ndarray, "q k"], head: int, random: np.random.Generator) -> Float[np.ndarray, "q k"]:
    """How much each hit counts: 1 in the head; of the rest up to DRAWN a query are drawn, and share its number among them."""
    order = np.where(open_, random.random(open_.shape), np.inf)
    order[:, :head] = np.inf
    chosen = np.zeros_like(open_)
    np.put_along_axis(chosen, np.argsort(order, 1)[:, :DRAWN], True, 1)
    chosen &= np.isfinite(order)
    rest = np.isfinite(order).sum(1, keepdims=True) / np.maximum(chosen.sum(1, keepdims=True), 1)
    return np.where(chosen, rest, 0.0) + (open_ & (np.arange(open_.shape[1]) < head))


def _list_shape(hits: Hits, ranks: tuple[int, ...]) -> Float[np.ndarray, "q r"]:
    """The scores at these places of each list, that of its last hit past its end, 0 where it is empty."""
    if max(ranks, default=0) > hits.k:
        raise BadInput(f"this CosineAdapter reads the scores at places up to {max(ranks)}, the hits have k = {hits.k}; search deeper")
    last = np.maximum((hits.rows >= 0).sum(1, keepdims=True) - 1, 0)
    return np.take_along_axis(_finite(hits), np.minimum(np.array(ranks, int) - 1, last), 1) if hits.k else np.zeros((len(hits), 0))


def _view(
    rows: Float[np.ndarray, "q d"], shape: Float[np.ndarray, "q r"], items: Vectors | None, dim: int, seed: int
) -> dict[str, np.ndarray]:
    """Principal directions of the queries (at most one for eight of them), a sample of items, and how to scale the features."""
    wide = np.asarray(rows, np.float64)
    mean = wide.mean(0)
    axes = np.linalg.svd(wide - mean, full_matrices=False)[2][: min(dim, len(wide) // 8)]
    sample = np.empty((0, rows.shape[1]), np.float32)
    if items is not None:
        if items.dim != rows.shape[1]:
            raise BadInput(f"the items have {items.dim} numbers a vector, the queries {rows.shape[1]}; use one encoder for both")
        order = np.random.default_rng(seed).permutation(len(items))[:SAMPLE]
        sample = unit(items.rows[np.sort(order)])
    view = {"mean": mean, "axes": axes, "sample": sample}
    plain = _plain_features(view, rows, shape)
    spread = plain.std(0)
    return {**view, "middle": plain.mean(0), "spread": np.where(spread > 1e-9, spread, 1.0)}


def _features(view: dict[str, np.ndarray], rows: Float[np.ndarray, "q d"], shape: Float[np.ndarray, "q r"]) -> Float[np.ndarray, "q f"]:
    """Scaled features, principal coordinates at half weight: they are many and carry little."""
    scaled = (_plain_features(view, rows, shape) - view["middle"]) / view["spread"]
    scaled[:, : len(view["axes"])] *= 0.5
    return scaled


def _plain_features(view: dict[str, np.ndarray], rows: np.ndarray, shape: np.ndarray) -> Float[np.ndarray, "q f"]:
    """Principal coordinates; mean, spread, highest, and mean of the highest ten products with the sample; the shape of the list."""
    parts = [(np.asarray(rows, np.float64) - view["mean"]) @ np.asarray(view["axes"]).T, shape]
    if len(view["sample"]):
        products = (np.asarray(rows, np.float32) @ np.asarray(view["sample"]).T).astype(np.float64)
        high = -np.sort(-products, 1)[:, :10]
        parts.insert(1, np.stack([products.mean(1), products.std(1), high[:, 0], high.mean(1)], 1))
    return np.concatenate(parts, 1)
