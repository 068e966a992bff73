"""What the trained sequence recommenders share: settings, histories to vectors, answers from all items or through an index."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from nearkin.indexes.checks import checked_keep
from nearkin.indexes.from_history import BlockRecommender, chosen, copied
from nearkin.indexes.histories import Histories, moved
from nearkin.indexes.known_items import with_known
from nearkin.indexes.sequence_fit import dense, learn, need_torch
from nearkin.stage import Index, Stage, fitted, learned
from nearkin.tables import Catalog, Hits, Links, Vectors, best, unit
from nearkin.training.batches import gathered

READ, STEPS = 16_384, 2  # tokens of histories read at once, and how often they are parted on the way to twice the length
FAR, LEAST = 1e6, -100.0  # exp(-FAR) is 0, exp(LEAST) is not


@dataclass(kw_only=True)
class SequenceModel(BlockRecommender):
    """A network reads a history; the items whose vectors are most like what it says come next. Each subclass has a network of its own.

    Catalog[q] with a history -> Hits[q, k].   score(c) = exp(scale * (cosine(state, item_c) - 1)), 0 for an item without a vector
    Training: softmax of scale * cosine over all items that have links (`catalogue_softmax`), AdamW, warm-up, linear decay.
    The table of items starts from co-occurrence (`start_vectors`) or at random, and is both read and scored with. Where there is `content`
    (an encoder of the catalogue), a linear map of its vectors, centred and turned to their main axes, is added to the table; then items
    without links have a vector too, and so do new ones (`for_items`). Without it they are no hits, and are passed over in histories like
    unknown ids. A history without a known item has no hits. Only the last `length` items of a history are read.
    `index`: answers come from this index over the items' unit vectors rather than from all items.
    Refused: what `checked_log` refuses; content that is not one dense vector an item; no torch (`Missing`).
    A base with behaviour, against the custom of the house, because three models differ in a network and in nothing else.
    """

    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    dim: int = 128
    blocks: int = 1
    dropout: float = 0.5
    length: int = 50
    scale: float = 16.0
    start: bool = True  # from co-occurrence; else at random
    content: Stage | None = None
    axes: int = 128  # of content
    index: Index | None = None
    epochs: int = 6
    lr: float = 2e-3
    tokens: int = 400  # a batch
    patience: int = 0  # epochs without a better validation before training stops; 0: all epochs
    seed: int = 0
    items_: Catalog | None = learned()
    table_: np.ndarray | None = learned()  # float32 [n, dim]
    known_: np.ndarray | None = learned()  # bool [n]: has a vector
    weights_: dict[str, np.ndarray] | None = learned()  # of the network
    centre_: np.ndarray | None = learned(optional=True)  # float32 [c]: of content
    map_: np.ndarray | None = learned(optional=True)  # float32 [c, dim]: from centred content to what it adds to the table
    index_: Index | None = learned(optional=True)

    two_sided: ClassVar[bool] = False  # whether the network looks ahead, and is asked by a hidden token put last

    @abstractmethod
    def net(self) -> Any:
        """The network, untrained: a `layers.sequence_nets.SequenceNet`."""

    @abstractmethod
    def batches(self, offsets: np.ndarray, rows: np.ndarray) -> Any:
        """Batches (`training.Batches`) of `Batch` from histories, whose rows count only the items that have links."""

    def fit(self, interactions: Links, *, valid: Links | None = None, folder: Path | None = None, progress: bool = False) -> Self:
        """Learn. `valid`: links to foretell after each epoch, the best weights are kept; `folder`: a checkpoint to go on from, and logs."""
        learn(self, interactions, valid, folder, progress)
        self.index_ = None if self.index is None else copy(self.index).fit(self.item_vectors())
        return self

    def item_vectors(self) -> Vectors:
        """The items to search among: rows of length 1, or all zero for one without a vector. Vectors[n, dim]."""
        return Vectors(unit(fitted(self).table_), self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """What comes next, as a vector of length 1 (all zero where no item of the history is known): Catalog[q] -> Vectors[q, dim]."""
        return Vectors(self._read(Histories.of(people, fitted(self).items_)), people)

    def block(self, histories: Histories) -> np.ndarray:
        scores: np.ndarray = self._asking(histories) @ self._columns().T
        return np.exp(scores, out=scores)

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        if fitted(self).index_ is None:
            asking, columns = self._asking(Histories.of(people, self.items_)), self._columns().T
            return chosen(self, people, keep, lambda _, part: asking[part] @ columns, floor=LEAST, score=np.exp)
        return self._searched(people, keep)

    def for_items(self, items: Catalog) -> Self:
        places = moved(fitted(self).items_, items)
        table, known = self.table_[np.maximum(places, 0)], self.known_[np.maximum(places, 0)] & (places >= 0)
        table[places < 0] = 0
        if self.content is not None and (places < 0).any():
            table[places < 0] = (dense(self.content(items.take(np.flatnonzero(places < 0)))) - self.centre_) @ self.map_
            known[:] = True
        other = copied(self, items_=items, table_=table, known_=known, _columns_of=None)
        other.index_ = None if self.index is None else copy(self.index).fit(other.item_vectors())
        return other

    def deeper(self, k: int) -> Self:
        """The same model giving k hits."""
        return copied(self, k=k)

    def _searched(self, people: Catalog, keep: np.ndarray | None) -> Hits:
        """Through the index, which is asked for as many more hits as the longest history may take away."""
        histories, items = Histories.of(people, self.items_), self.items_
        keep = self.known_ if keep is None else checked_keep(keep, len(items)) & self.known_
        index, states = copy(self.index_), self._read(histories)
        index.k = min(len(items), self.k + (0 if self.repeats else int(np.diff(histories.offsets).max(initial=0))))
        found = index(Vectors(states), keep=keep)
        had = np.zeros(found.rows.shape, bool) if self.repeats else _had(found.rows, histories)
        rows = np.where(had | ~states.any(1)[:, None], -1, found.rows)
        scores = np.where(rows >= 0, np.exp(np.float32(self.scale) * (found.scores - 1)), -np.inf).astype(np.float32)
        return best(scores, min(self.k, len(items)), rows=rows, queries=people, items=items)

    def _asking(self, histories: Histories) -> np.ndarray:
        """Rows whose products with `_columns` are the logarithms of scores: float32 [q, dim + 1]."""
        states = self._read(histories) * np.float32(self.scale)
        less = np.where(states.any(1), -self.scale, -FAR).astype(np.float32)
        return np.concatenate([states, less[:, None]], axis=1)

    def _read(self, histories: Histories) -> np.ndarray:
        """Unit vectors of histories: float32 [q, dim]; zero where nothing known was done."""
        import torch

        from nearkin.layers.grid import Grid

        offsets, rows = with_known(histories.offsets, histories.rows, self.known_)
        lengths = np.minimum(np.diff(offsets), self.length - self.two_sided)
        found, net = np.zeros((len(histories), self.dim), np.float32), self._net()
        order = np.argsort(lengths, kind="stable")
        order = order[np.searchsorted(lengths[order], 1) :]
        cuts = np.diff(np.cumsum(lengths[order]) // READ) + np.diff(np.floor(np.log2(lengths[order]) * STEPS))
        for part in np.split(order, np.flatnonzero(cuts) + 1):
            if len(part):
                inputs, hidden, sizes = self._inputs(offsets[1:][part], lengths[part], rows)
                grid = Grid.of(torch.from_numpy(sizes))
                with torch.inference_mode():
                    found[part] = net(torch.from_numpy(inputs), grid, hidden)[grid.last].numpy()
        return unit(found)

    def _inputs(self, stops: np.ndarray, lengths: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
        """Packed vectors of the last items of some histories, which of them are hidden, and their lengths."""
        import torch

        places = gathered(stops - lengths, lengths)
        if not self.two_sided:
            return self.table_[rows[places]], None, lengths
        sizes = lengths + 1
        last = np.cumsum(sizes) - 1
        shown = np.ones(int(sizes.sum()), bool)
        shown[last] = False
        inputs = np.zeros((len(shown), self.dim), np.float32)
        inputs[shown] = self.table_[rows[places]]
        return inputs, torch.from_numpy(~shown), sizes

    def _net(self) -> Any:
        """The network with its learned weights; made once and kept beside them."""
        need_torch()
        import torch

        held = self.__dict__.get("_held")
        if held is None or held[0] is not self.weights_:
            with torch.random.fork_rng(devices=[]):
                net = self.net()
            net.load_state_dict({name: torch.from_numpy(np.array(each)) for name, each in self.weights_.items()})
            self.__dict__["_held"] = held = (self.weights_, net.eval())
        return held[1]

    def _columns(self) -> np.ndarray:
        """Items to score, float32 [n, dim + 1]: unit vectors, then 1, or so much that nothing is left of the score of an unknown one."""
        held = self.__dict__.get("_columns_of")
        if held is None or held[0] is not fitted(self).table_:
            last = np.where(self.known_, 1, FAR).astype(np.float32)
            self.__dict__["_columns_of"] = held = (self.table_, np.concatenate([unit(self.table_), last[:, None]], axis=1))
        return held[1]


def _had(rows: np.ndarray, histories: Histories) -> np.ndarray:
    """Which hits a person had before: bool [q, k]."""
    size = int(max(rows.max(initial=0), histories.rows.max(initial=0))) + 1
    pairs = histories.owners * size + histories.rows
    return np.isin(np.arange(len(rows))[:, None] * size + rows, pairs) & (rows >= 0)
