"""Monotone maps from a score to the log-odds of relevance, whose parameters a small network reads off the query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

FAMILIES = ("raw", "linear", "root", "power")
BELOW = 0.1  # slope of root and power under 0, where their formulas have no value
FLATTEST, LEAST_POWER = 0.05, 0.1  # a slope near 0 would make all scores of a query alike; share of the slope without queries
ROUNDS = 30

Weights = dict[str, np.ndarray]  # hidden [f, h], hidden_bias [h], out [h, 3], bias [3], and the fixed scale, centre and slope []


@dataclass(frozen=True)
class Pairs:
    """Scores to learn from, float64 [m], each with its query's row, whether it is relevant (1 or 0), and how much it counts."""

    query: Int[np.ndarray, " m"]
    score: Float[np.ndarray, " m"]
    label: Float[np.ndarray, " m"]
    trust: Float[np.ndarray, " m"]

    def of(self, queries: Int[np.ndarray, " q"], count: int) -> Pairs:
        """The pairs of these of `count` queries, whose rows are then 0, 1, ..."""
        place = np.full(count, -1)
        place[queries] = np.arange(len(queries))
        there = place[self.query] >= 0
        return Pairs(place[self.query[there]], self.score[there], self.label[there], self.trust[there])


def log_odds(
    weights: Weights, family: str, features: Float[np.ndarray, "q f"], scores: Float[np.ndarray, "q k"]
) -> Float[np.ndarray, "q k"]:
    """What each score of a query is worth: a(q) * (shape(score / scale; c(q)) - centre) + b(q), never falling in the score.

    shape: s (raw, linear), sqrt(s) (root), s^c (power), with a small straight slope under 0. a and c are above 0 by softplus;
    raw takes a and b without looking at the query, which is Platt's scaling. Cost: q * (f * h + k).
    """
    found = parameters(weights, family, features)
    shaped, _ = _shape(family, scores / weights["scale"], _power(found[:, 2:]))
    return _slope(weights, found[:, :1]) * (shaped - weights["centre"]) + found[:, 1:2]


def mean_log_odds(
    members: list[Weights], family: str, features: Float[np.ndarray, "q f"], scores: Float[np.ndarray, "q k"]
) -> Float[np.ndarray, "q k"]:
    """The mean of what several networks say; it does not fall in the score either."""
    return np.asarray(sum(log_odds(weights, family, features, scores) for weights in members) / len(members))


def stacked(members: list[Weights]) -> Weights:
    """The weights of several networks in one array a name, the network first."""
    return {name: np.stack([weights[name] for weights in members]) for name in members[0]}


def unstacked(weights: Weights) -> list[Weights]:
    """The networks again."""
    return [{name: value[member] for name, value in weights.items()} for member in range(len(weights["bias"]))]


def parameters(weights: Weights, family: str, features: Float[np.ndarray, "q f"]) -> Float[np.ndarray, "q 3"]:
    """What the network says of each query, before softplus: slope, offset, power."""
    if family == "raw":
        return np.broadcast_to(weights["bias"], (len(features), 3))
    return np.tanh(features @ weights["hidden"] + weights["hidden_bias"]) @ weights["out"] + weights["bias"]


def started(family: str, width: int, pairs: Pairs, *, hidden: int, seed: int) -> Weights:
    """Platt's scaling of the shaped scores, and a network that changes little yet."""
    random = np.random.default_rng(seed)
    scale = max(float(np.abs(pairs.score).max()), 1e-12)
    shaped, _ = _shape(family, pairs.score / scale, np.ones(len(pairs.score)))
    centre = np.average(shaped, weights=pairs.trust)
    slope, offset = _platt(shaped - centre, pairs)
    return {
        "hidden": random.normal(size=(width, hidden)) * 0.3,
        "hidden_bias": np.zeros(hidden),
        "out": random.normal(size=(hidden, 3)) * 0.1,
        "bias": np.array([_inverse(1 - FLATTEST), offset, _inverse(1 - LEAST_POWER)]),
        "scale": np.array(scale),
        "centre": np.array(centre),
        "slope": np.array(slope),
    }


def improved(start: Weights, family: str, features: Float[np.ndarray, "q f"], pairs: Pairs, decay: float) -> Weights:
    """The weights with the least sum of trust * log-loss + decay / 2 * |network|^2, by L-BFGS from given ones.

    Cost: about 35 passes over the pairs.
    """
    from scipy.optimize import minimize

    free = ("bias",) if family == "raw" else ("hidden", "hidden_bias", "out", "bias")

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = _loss(_unpacked(flat, start, free), family, features, pairs, decay)
        return value, np.concatenate([slopes[name].ravel() for name in free])

    flat = np.concatenate([start[name].ravel() for name in free])
    found = minimize(loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
    return _unpacked(found.x, start, free)


def log_loss_of(weights: Weights, family: str, features: Float[np.ndarray, "q f"], pairs: Pairs) -> float:
    """The sum of trust * log-loss over pairs."""
    return _loss(weights, family, features, pairs, 0.0)[0]


def _platt(values: np.ndarray, pairs: Pairs) -> tuple[float, float]:
    """Slope (above 0) and offset of a logistic regression of one value, by Newton's method with a whisper of ridge."""
    beta, rows = np.zeros(2), np.stack([values, np.ones(len(values))], 1)
    for _ in range(30):
        chance = _chance(rows @ beta)
        bend = (rows.T * (pairs.trust * chance * (1 - chance))) @ rows + np.diag([1e-6, 1e-6])
        step = np.linalg.solve(bend, rows.T @ (pairs.trust * (chance - pairs.label)) + 1e-6 * beta)
        beta = beta - step * min(1.0, 5 / max(np.abs(step).max(), 1e-9))
    return max(float(beta[0]), 1e-3), float(beta[1])


def _loss(weights: Weights, family: str, features: np.ndarray, pairs: Pairs, decay: float) -> tuple[float, Weights]:
    """The loss and its slopes by each array of weights."""
    state = np.tanh(features @ weights["hidden"] + weights["hidden_bias"])
    found = parameters(weights, family, features)
    slope, query = _slope(weights, found[:, 0]), pairs.query
    shaped, bend = _shape(family, pairs.score / weights["scale"], _power(found[:, 2])[query])
    odds = slope[query] * (shaped - weights["centre"]) + found[query, 1]
    loss = (pairs.trust * (np.logaddexp(0, odds) - pairs.label * odds)).sum()
    loss += decay / 2 * sum((weights[name] ** 2).sum() for name in ("hidden", "out"))
    pull = pairs.trust * (_chance(odds) - pairs.label)
    by_query = [np.bincount(query, each, len(features)) for each in (pull * (shaped - weights["centre"]), pull, pull * bend)]
    bent = _chance(found)  # how softplus changes
    pulls = np.stack([by_query[0] * weights["slope"] * bent[:, 0], by_query[1], by_query[2] * slope * bent[:, 2]], 1)
    back = pulls @ weights["out"].T * (1 - state**2)
    return float(loss), {
        "hidden": features.T @ back + decay * weights["hidden"],
        "hidden_bias": back.sum(0),
        "out": state.T @ pulls + decay * weights["out"],
        "bias": pulls.sum(0),
    }


def _shape(family: str, scores: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
    """The shaped scores and how they change with the power."""
    if family in ("raw", "linear"):
        return scores, 0.0
    positive, above = np.maximum(scores, 1e-12), scores > 0
    if family == "root":
        return np.where(above, np.sqrt(positive), BELOW * scores), 0.0
    raised = positive**power
    return np.where(above, raised, BELOW * scores), np.where(above, raised * np.log(positive), 0.0)


def _power(raw: np.ndarray) -> np.ndarray:
    return np.asarray(LEAST_POWER + np.logaddexp(0, raw))


def _slope(weights: Weights, raw: np.ndarray) -> np.ndarray:
    return weights["slope"] * (FLATTEST + np.logaddexp(0, raw))


def _chance(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(odds, -40, 40)))


def _inverse(value: float) -> float:
    """The number whose softplus is `value`."""
    return float(np.log(np.expm1(value)))


def _unpacked(flat: np.ndarray, like: Weights, free: tuple[str, ...]) -> Weights:
    """The free weights cut out of one long array, the fixed ones as they were."""
    parts = np.split(flat, np.cumsum([like[name].size for name in free])[:-1])
    return {**like, **{name: part.reshape(like[name].shape) for name, part in zip(free, parts)}}
