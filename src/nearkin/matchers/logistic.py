"""Weighted logistic regression with an L2 penalty, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Logistic:
    """score(x) = bias + sum_j weights_j * (x_j - mean_j) / scale_j; the chance of the positive class is 1 / (1 + exp(-score))."""

    weights: np.ndarray  # float64[f], for scaled features
    bias: float
    mean: np.ndarray  # float64[f]
    scale: np.ndarray  # float64[f]

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Log-odds: float64 [m]."""
        return self.parts(values).sum(1) + self.bias

    def parts(self, values: np.ndarray) -> np.ndarray:
        """What each feature adds to the log-odds: float64 [m, f]."""
        return (values - self.mean) / self.scale * self.weights


def fit_logistic(values: np.ndarray, positive: np.ndarray, trust: np.ndarray, *, penalty: float = 1.0, rounds: int = 50) -> Logistic:
    """Minimises sum_i trust_i * logloss_i + penalty / 2 * |weights|^2 over standardised features; the bias is free.

    values: float [m, f]; positive: bool [m]; trust: float [m]. Each round solves one (f + 1) x (f + 1) system and halves its step
    until the loss falls; it ends when a step changes nothing in the eighth digit. Cost: m * f^2 a round, about ten rounds.
    """
    mean, scale = values.mean(0), values.std(0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    rows = np.hstack([(values - mean) / scale, np.ones((len(values), 1))])
    ridge = np.r_[np.full(values.shape[1], penalty), 1e-9]
    beta = np.zeros(rows.shape[1])
    loss = _loss(rows, positive, trust, ridge, beta)
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(rows @ beta, -35, 35)))
        slope = rows.T @ (trust * (chance - positive)) + ridge * beta
        bend = (rows.T * (trust * chance * (1 - chance))) @ rows + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        beta, before, loss = _shorter(rows, positive, trust, ridge, beta, step, loss)
        if before - loss < 1e-8 * (1 + loss):
            break
    return Logistic(beta[:-1], float(beta[-1]), mean, scale)


def _shorter(rows, positive, trust, ridge, beta, step, loss):  # type: ignore[no-untyped-def]
    """The step, halved until the loss does not rise."""
    for _ in range(20):
        after = _loss(rows, positive, trust, ridge, beta - step)
        if after <= loss:
            return beta - step, loss, after
        step = step / 2
    return beta, loss, loss


def _loss(rows: np.ndarray, positive: np.ndarray, trust: np.ndarray, ridge: np.ndarray, beta: np.ndarray) -> float:
    margin = rows @ beta
    return float((trust * (np.logaddexp(0, margin) - positive * margin)).sum() + 0.5 * (ridge * beta**2).sum())
