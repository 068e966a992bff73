"""Pairs of people's and items' profiles from several shops, as batches of word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nearkin.encoders.wordpiece import WordPiece
from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links
from nearkin.training.batches import cut_evenly, gathered

HELD, MOST_ITEMS = 100, 500  # held-out pairs a shop, and items they are looked for among: what validation may cost
GUESSED = 4  # texts of a batch whose pieces are hidden


class Shop(NamedTuple):
    """Profiles of people and of items, each in one version or several (the rows of a version are those of `links`), the pairs to learn
    from, and all that is known of who had what (so that nothing of it is taken for a miss)."""

    people: Sequence[Catalog]
    items: Sequence[Catalog]
    pairs: Links
    known: Links


class Batch(NamedTuple):
    """Texts of people, then of their items, then of drawn items; had: bool [b, 2 b], what is no miss; often: float [2 b], the logarithm of
    how many times each item is expected in such a batch; some texts to guess pieces of."""

    pieces: Any
    lengths: Any
    had: Any
    often: Any
    guessed: Any
    guessed_lengths: Any


@dataclass(frozen=True)
class ProfilePairs:
    """All texts one after another (`training.Batches` of `Batch`); a batch is of one shop, or its misses would be too easy.

    pieces, offsets: int64, of all texts; versions: int64 [things, most], text rows of each thing (its own repeated where it has fewer);
    people, items: int64 [p], things of each pair; span: int64 [p, 2], from which thing to which the items of the pair's shop go;
    known: int64, sorted keys person * things + item; share: float [things], how much of what is known in its shop is of this item;
    held: for each shop the texts of people and items and the place of the right one.
    """

    pieces: np.ndarray
    offsets: np.ndarray
    versions: np.ndarray
    people: np.ndarray
    items: np.ndarray
    span: np.ndarray
    known: np.ndarray
    share: np.ndarray
    held: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    size: int
    seed: int

    @classmethod
    def of(cls, shops: Sequence[Shop], pieces: WordPiece, *, length: int, fields: tuple[str, ...], size: int, seed: int) -> ProfilePairs:
        if not shops:
            raise BadInput("there is no shop, so nothing to learn from; give one at least")
        texts: list[str] = []
        versions: list[np.ndarray] = []
        things = 0
        parts: dict[str, list[Any]] = {"people": [], "items": [], "span": [], "known": [], "held": []}
        most = max([1, *(len(side) for shop in shops for side in (shop.people, shop.items))])
        keys = []
        for shop in shops:
            first = things
            for side, count in ((shop.people, len(shop.pairs.left)), (shop.items, len(shop.pairs.right))):
                if not side or any(len(each) != count for each in side):
                    raise BadInput(f"a shop needs {count} profiles a version, got {[len(each) for each in side]}")
                begun = len(texts)
                texts += [text for each in side for text in each.texts(*fields)]
                versions.append(begun + np.arange(most)[None] % len(side) * count + np.arange(count)[:, None])
                things += count
            keys.append((first, first + len(shop.pairs.left), things))
        offsets, rows = pieces_of(texts, pieces, length)
        told: np.ndarray = (np.diff(offsets) > 0)[np.concatenate(versions)].all(axis=1)
        random = np.random.default_rng(seed)
        for shop, (first, middle, last) in zip(shops, keys, strict=True):
            left, right = shop.pairs.left_rows + first, shop.pairs.right_rows + middle
            order = random.permutation(np.flatnonzero(told[left] & told[right]))
            held, kept = order[: min(HELD, len(order) // 10)], order[min(HELD, len(order) // 10) :]
            parts["people"].append(left[kept])
            parts["items"].append(right[kept])
            parts["span"].append(np.tile([middle, last], (len(kept), 1)))
            parts["known"].append((shop.known.left_rows.astype(np.int64) + first) * things + shop.known.right_rows + middle)
            parts["known"].append(left.astype(np.int64) * things + right)
            parts["held"].append((left[held], _among(right[held], np.arange(middle, last)[told[middle:last]], random)))
        table = np.concatenate(versions)
        asked = [(table[people, 0], table[among, 0], np.searchsorted(among, right)) for people, (among, right) in parts["held"]]
        joined = {name: np.concatenate(each).astype(np.int64) for name, each in parts.items() if name != "held"}
        joined["known"] = np.unique(joined["known"])
        return cls(rows.astype(np.int64), offsets, table, **joined, share=_shares(shops), held=asked, size=size, seed=seed)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        random = np.random.default_rng([self.seed, epoch])
        starts = np.flatnonzero(np.diff(self.span[:, 0], prepend=-1))
        found = []
        for start, stop in pairwise([*starts.tolist(), len(self.people)]):
            found += [start + rows for rows in cut_evenly(stop - start, self.size, random)]
        return [found[place] for place in random.permutation(len(found))]

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Batch:
        import torch

        people, items = self.people[rows], self.items[rows]
        drawn = random.integers(self.span[rows, 0], self.span[rows, 1])
        drawn = np.where(np.diff(self.offsets)[self.versions[drawn, 0]] > 0, drawn, items)  # one without a text: its own, left out anyway
        among = np.concatenate([items, drawn])
        things = np.concatenate([people, among])
        texts = self.versions[things, random.integers(0, self.versions.shape[1], len(things))]
        some = random.permutation(texts)[:GUESSED]
        wanted = people[:, None] * len(self.versions) + among
        had = self.known[np.minimum(np.searchsorted(self.known, wanted), len(self.known) - 1)] == wanted
        evenly = 1 / np.diff(self.span[rows])[:, 0]  # the chance of a drawn item
        often = np.log(len(rows) * (self.share[among] + np.tile(evenly, 2))).astype(np.float32)
        arrays = (*self._packed(texts), had | (items[:, None] == among), often, *self._packed(some))
        return Batch(*(torch.from_numpy(each) for each in arrays))

    def _packed(self, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lengths = np.diff(self.offsets)[texts]
        return self.pieces[gathered(self.offsets[texts], lengths)], lengths

    def texts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Offsets and pieces of these texts."""
        pieces, lengths = self._packed(rows)
        return np.concatenate([[0], np.cumsum(lengths)]), pieces


def _shares(shops: Sequence[Shop]) -> np.ndarray:
    """Of each thing of the shops, its share of what is known there; that of people plays no part."""
    found = []
    for shop in shops:
        counts = np.bincount(shop.known.right_rows, minlength=len(shop.known.right))
        found += [np.zeros(len(shop.pairs.left)), counts / max(1, counts.sum())]
    return np.concatenate(found)


def _among(right: np.ndarray, items: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Some items, sorted, with the right ones among them."""
    return np.union1d(right, random.permutation(items)[:MOST_ITEMS]), right


def pieces_of(texts: Sequence[str], pieces: WordPiece, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets int64 [n + 1] and vocabulary rows of the first `length` pieces of each text."""
    offsets, rows = pieces.bags(texts)
    lengths = np.minimum(np.diff(offsets), length)
    cut = np.concatenate([[0], np.cumsum(lengths)])
    return cut, np.concatenate(
        [np.zeros(0, rows.dtype), *(rows[start : start + size] for (start, _), size in zip(pairwise(offsets), lengths))]
    )
