"""What a forecast of purchases of new films is compared with: each a function from an era to scores of customers x films."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nearkin.indexes.main_effects import amounts, logistic, scaled_logistic
from nearkin.indexes.metric_fit import main_axes
from nearkin.recipes.film_releases import Era
from nearkin.tables import unit

Rival = Callable[[Era, np.ndarray, float], np.ndarray]  # an era, contents [n, c], a penalty -> scores [q, n]
RANK = 24  # of factors of who had what
AXES = 60  # of contents


def purchases(era: Era) -> np.ndarray:
    """Who had which old film before the day: float32 [people of the log, n]."""
    found = np.zeros((len(era.train.left), len(era.train.right)), np.float32)
    found[era.train.left_rows, era.train.right_rows] = 1
    return found


def asked(era: Era) -> np.ndarray:
    """Histories of the customers asked: float32 [q, n]."""
    found = np.zeros(era.open.shape, np.float32)
    found[era.histories.owners, era.histories.rows] = 1
    return found


def popularity(era: Era, _contents: np.ndarray, _penalty: float) -> np.ndarray:
    """Purchases before the day: none for a film that is new."""
    return np.broadcast_to(np.log1p(purchases(era).sum(0)), era.open.shape)


def content_only(era: Era, contents: np.ndarray, penalty: float) -> np.ndarray:
    """The share of customers a film gets, from what it is; the same for everybody."""
    bought = purchases(era).sum(0)
    known, people = np.flatnonzero(bought), len(np.unique(era.train.left_rows))
    rows = axes_of(contents, known)
    weights = logistic(rows[known], bought[known], np.full(len(known), float(people)), penalty)
    return np.broadcast_to(rows @ weights[:-1] + weights[-1], era.open.shape)


def history_only(era: Era, _contents: np.ndarray, penalty: float) -> np.ndarray:
    """How many of the newest films a customer had, from how many of the year before and of earlier ones: the same for all films."""
    links, last = era.train, era.years[era.newest].max(initial=-np.inf)
    people, owners = np.unique(links.left_rows, return_inverse=True)
    newest = era.newest[links.right_rows]
    told = amounts(owners[~newest], links.right_rows[~newest], len(people), era.years == last - 1)
    tries = np.full(len(people), float(len(np.unique(links.right_rows[newest]))))
    weights = scaled_logistic(told, np.bincount(owners[newest], minlength=len(people)), tries, penalty)
    new = amounts(era.histories.owners, era.histories.rows, len(era.people), era.newest)
    return np.broadcast_to((new @ weights[:-1] + weights[-1])[:, None], era.open.shape)


def directions_of_history(era: Era, _contents: np.ndarray, penalty: float) -> np.ndarray:
    """The same from how many they had, how recently, and the main directions of the history, which drift as films get newer."""
    return _of_customers(era, penalty, RANK)


def frequency_only(era: Era, contents: np.ndarray, penalty: float) -> np.ndarray:
    """The same from how many they had and how recently."""
    return _of_customers(era, penalty, 0)


def content_knn(era: Era, contents: np.ndarray, _penalty: float) -> np.ndarray:
    """The cosine of a film's content with the mean over the history."""
    rows = unit(contents - contents[np.unique(era.train.right_rows)].mean(0))
    return unit(asked(era) @ rows) @ rows.T


def factors_from_content(era: Era, contents: np.ndarray, penalty: float) -> np.ndarray:
    """Factors of who had what, a film's guessed from its content by ridge regression."""
    had = purchases(era)
    known = np.flatnonzero(had.any(0))
    films = np.linalg.svd(had[had.any(1)][:, known], full_matrices=False)[2]
    factors = films[:RANK].T
    rows = axes_of(contents, known)
    ridge = np.linalg.solve(rows[known].T @ rows[known] + penalty * np.eye(rows.shape[1]), rows[known].T @ (factors - factors.mean(0)))
    return asked(era)[:, known] @ factors @ (rows @ ridge + factors.mean(0)).T


RIVALS: Mapping[str, Rival] = {
    "content only": content_only,
    "history only": history_only,
    "directions of history": directions_of_history,
    "frequency only": frequency_only,
    "popularity": popularity,
    "content kNN": content_knn,
    "factors from content": factors_from_content,
}


def axes_of(contents: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Contents on the main axes of known films, with a mean square of 1 a number: float [n, AXES]."""
    centre, axes = main_axes(contents[known], AXES)
    rows: np.ndarray = (contents - centre) @ axes
    return rows


def _of_customers(era: Era, penalty: float, rank: int) -> np.ndarray:
    """Logits of customers, repeated for all films."""
    had = purchases(era)
    people, known = np.flatnonzero(had.any(1)), np.flatnonzero(had.any(0))
    had = had[np.ix_(people, known)]
    axes = np.linalg.svd(had, full_matrices=False)[2][:rank].T
    newest = era.newest[known]
    told = _told(had * ~newest, era.trained_recency[people], axes)
    centre, spread = told.mean(0), np.maximum(told.std(0), 1e-6)
    weights = logistic((told - centre) / spread, had[:, newest].sum(1), np.full(len(people), newest.sum() * 1.0), penalty)
    new = (_told(asked(era)[:, known], era.recency[era.people], axes) - centre) / spread
    return np.broadcast_to((np.clip(new, -4, 4) @ weights[:-1] + weights[-1])[:, None], era.open.shape)


def _told(had: np.ndarray, recency: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Frequency, recency, and the history's direction along the axes: float [q, 3 + rank]."""
    counts = had.sum(1, keepdims=True)
    return np.concatenate([np.log1p(counts), np.nan_to_num(recency), had @ axes / np.sqrt(np.maximum(counts, 1))], 1)
