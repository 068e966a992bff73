"""The map of a collection: a place on a plane for each thing, and words that say what a region holds."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.collection.branch import Placed, among
from nearkin.collection.texts import searchable
from nearkin.encoders.analyser import STOP_WORDS, WORD
from nearkin.errors import BadInput
from nearkin.projections.plane import aligned, placed, plane
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Vectors

NEIGHBOURS = 15
BLOCK = 4096  # things asked for at once
REGION = 300  # things a word of the map stands for
MOST_WORDS, LEAST_WORDS = 48, 4
LEAST_LETTERS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout(Stage):
    """Places of the things of a catalogue, by their numbers.

    seqs: int64 [n], rising; places: float32 [n, 2]; words: texts, with `spots` float32 [w, 2], where each is written.
    """

    seqs: np.ndarray
    places: np.ndarray
    words: tuple[str, ...]
    spots: np.ndarray

    takes = Catalog
    gives = np.ndarray

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        seqs: np.ndarray,
        branches: Mapping[str, Placed],
        *,
        before: Layout | None = None,
        seed: int = 0,
        say: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Laid out anew by what is near in the first branch of dense vectors; `before`: a map that this one is turned like.

        Cost: a search for each thing, then some hundred moves a neighbour. Refused: no branch of dense vectors.
        """
        branch = _dense(branches)
        rows, distances, _ = _neighbours(branch, catalog, np.arange(len(catalog)), say)
        places = drawn_in(plane(rows, distances, _main_axes(branch, catalog), seed=seed))
        if before is not None:
            shared, new, old = np.intersect1d(seqs, before.seqs, return_indices=True)
            places = aligned(places, before.places[old], new) if len(shared) else places
        words, spots = regions(catalog, places, seed)
        return cls(seqs=seqs, places=places.astype(np.float32), words=tuple(words), spots=spots)

    def __call__(self, catalog: Catalog) -> np.ndarray:
        """The places, of the very catalogue that was laid out."""
        if len(catalog) != len(self.seqs):
            raise BadInput(f"the map has {len(self.seqs)} things, the catalogue {len(catalog)}; move the map to it first")
        return self.places

    def moved_to(self, catalog: Catalog, seqs: np.ndarray, branches: Mapping[str, Placed]) -> Layout:
        """The map of another state: nothing that stays moves, and what is new stands among what it is most like."""
        old = among(seqs, self.seqs)
        places = np.zeros((len(seqs), 2), np.float32)
        places[old] = self.places[np.searchsorted(self.seqs, seqs[old])]
        new = np.flatnonzero(~old)
        if len(new) and old.any():
            rows, _, likeness = _neighbours(_dense(branches), catalog, new, lambda _: None)
            rows = np.where((rows >= 0) & old[rows], rows, -1)
            places[new] = placed(rows, likeness, places)
            places[new[~(rows >= 0).any(1)]] = places[old].mean(0)
        return Layout(seqs=seqs, places=places, words=self.words, spots=self.spots)


def _dense(branches: Mapping[str, Placed]) -> Placed:
    for branch in branches.values():
        if branch.encoder.gives is Vectors:
            return branch
    raise BadInput("a map needs a search stage of dense vectors; build the collection with one, such as the default `meaning`")


def _neighbours(branch: Placed, catalog: Catalog, which: np.ndarray, say: Callable[[str], None]) -> tuple[np.ndarray, ...]:
    """The nearest other things of some: rows int32 [m, k], how much less like than the nearest possible float32 [m, k], likeness."""
    count = max(0, min(NEIGHBOURS, len(catalog) - 1))
    search, found, scores = with_k(branch, count + 1), [], []
    for start in range(0, len(which), BLOCK):
        part = which[start : start + BLOCK]
        hits = search(searchable(catalog.take(part)))
        own = hits.rows == part[:, None]
        own[~own.any(1), -1] = True  # so that each keeps as many
        found.append(hits.rows[~own].reshape(len(part), -1))
        scores.append(hits.scores[~own].reshape(len(part), -1))
        say(f"neighbours of {min(start + BLOCK, len(which)):,} of {len(which):,} things")
    rows = np.concatenate([*found, np.zeros((0, count), np.int32)])[:, :count]
    likeness = np.where(rows >= 0, np.concatenate([*scores, np.zeros((0, count), np.float32)])[:, :count], 0)
    top = likeness.max(1, keepdims=True, initial=0)
    return rows.astype(np.int32), np.where(rows >= 0, top - likeness, 0).astype(np.float32), likeness.astype(np.float32)


def _main_axes(branch: Placed, catalog: Catalog) -> np.ndarray:
    """Where the things stand on the two directions in which they differ most: float32 [n, 2]."""
    rows = np.asarray(branch.encoder(searchable(catalog)).rows, np.float32)
    if not len(rows):
        return np.zeros((0, 2), np.float32)
    centred = rows - rows.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    axes *= np.where(axes.sum(0) < 0, -1, 1)  # so that a catalogue has one map
    turned = centred @ axes
    return np.pad(turned, ((0, 0), (0, 2 - turned.shape[1])))


def drawn_in(places: np.ndarray) -> np.ndarray:
    """The few places that lie far outside brought nearer, each in its direction, so that they do not make all the rest small.

    Beyond L = 1.25 times the distance from the middle within which 98 of 100 stand, a distance r becomes L (1 + tanh(r / L - 1) / 4).
    """
    if not len(places):
        return places
    apart = places - np.median(places, axis=0)
    far = np.linalg.norm(apart, axis=1)
    limit = max(1.25 * float(np.quantile(far, 0.98)), 1e-9)
    kept = np.where(far > limit, limit * (1 + np.tanh(far / limit - 1) / 4), far)
    return apart * (kept / np.maximum(far, 1e-9))[:, None]  # type: ignore[no-any-return]


def regions(catalog: Catalog, places: np.ndarray, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Words for the regions of a map and where they are written: those that a region has oftener than the rest, each used once.

    Regions are k-means of the places, about one for `REGION` things; a word stands at the median of the region's things that have it.
    """
    from scipy.cluster.vq import kmeans2

    if len(places) < 2 * LEAST_WORDS:
        return [], np.zeros((0, 2), np.float32)
    count = int(np.clip(len(places) // REGION, LEAST_WORDS, MOST_WORDS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a region may stay empty, and then has no word
        own = kmeans2(places.astype(np.float64), count, minit="++", seed=seed)[1]
    said = [_words(text) for text in searchable(catalog).texts("text")]
    every = Counter(word for words in said for word in words)
    found: dict[str, Any] = {}
    for region in np.argsort(-np.bincount(own, minlength=count), kind="stable"):
        rows = np.flatnonzero(own == region)
        word = _telling(Counter(word for row in rows for word in said[row]), every, len(rows), len(places), set(found))
        if word:
            found[word] = np.median(places[[row for row in rows if word in said[row]]], axis=0)
    return list(found), np.array(list(found.values()), np.float32).reshape(-1, 2)


def _words(text: str) -> set[str]:
    return {word for word in WORD.findall(text.lower()) if len(word) >= LEAST_LETTERS and not word.isdigit()} - STOP_WORDS["english"]


def _telling(inside: Counter[str], every: Counter[str], size: int, whole: int, used: set[str]) -> str:
    """The word that tells most of a region: how many have it there times the logarithm of how much oftener than elsewhere."""
    chances = {
        word: count * np.log((count / size) / (every[word] / whole)) for word, count in inside.items() if count > 1 and word not in used
    }
    return max(sorted(chances), key=chances.__getitem__, default="")
