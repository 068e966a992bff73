"""Recommend by two towers over the fields of items, helped by telling two views of an item from those of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.histories import Histories, known_counts
from nearkin.indexes.sequence_fit import need_torch
from nearkin.indexes.sequence_log import checked_log
from nearkin.layers.feature_masks import VIEWS, mutual_information, seed_masks, two_views
from nearkin.layers.field_values import Bags, FieldValues
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links, Vectors
from nearkin.training.batches import cut_evenly, gathered


@dataclass(kw_only=True)
class TwoTower(BlockRecommender):
    """A tower reads the fields of the last items someone had, another those of each item; near vectors are answers.

    Catalog[q] with a history -> Hits[q, k].   score(c) = exp((cosine(history, item_c) - 1) / temperature)
    loss = softmax over the items of the batch, less the logarithm of their share of the links (`corrected_softmax`)
         + alpha * `info_nce` of two views of each of as many items drawn evenly from the whole catalogue, at `view_temperature`.
    views: how these are made (`layers.feature_masks.two_views`): "correlated" features are hidden together (by `information_`), "random"
    halves, "dropout" of values only, "same" for a spread-out regulariser; "" for no second task. feature_dropout: chance that a field of
    the right items is hidden in the first task. Histories end with the last `length` items; an item of no known value is no hit.
    Cost: a step takes two MLPs over the batch; an answer 2 * items * dim operations.
    Refused: what `checked_log` refuses; unknown views; rates outside [0, 1).
    Source: Yao et al., "Self-supervised Learning for Large-scale Item Recommendations", CIKM 2021; Yi et al., RecSys 2019 (correction).
    """

    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    fields: tuple[str, ...] = ()  # all text, category, number and time fields when none is named
    least: int = 2  # things a word or value must be on to have a vector of its own
    width: int = 32  # of a value's vector
    hidden: int = 128
    dim: int = 64
    length: int = 5
    temperature: float = 0.07
    views: str = "correlated"
    alpha: float = 0.3
    view_temperature: float = 0.1
    dropout: float = 0.2  # of values of bags that hold several, in the views
    feature_dropout: float = 0.0
    epochs: int = 8
    lr: float = 2e-3
    size: int = 512  # a batch
    seed: int = 0
    items_: Catalog | None = learned()
    names_: dict[str, list[Any]] | None = learned()  # known values by field
    weights_: dict[str, np.ndarray] | None = learned()
    units_: np.ndarray | None = learned()  # float32 [n, dim]
    known_: np.ndarray | None = learned()  # bool [n]: has a known value
    information_: np.ndarray | None = learned(optional=True)  # float64 [f, f], where views are "correlated"

    def __post_init__(self) -> None:
        if self.views not in ("", *VIEWS) or not 0 <= self.dropout < 1 or not 0 <= self.feature_dropout < 1:
            raise BadInput(f"expected views among '' and {VIEWS}, and rates from 0 to below 1: {self}")

    def fit(self, interactions: Links, *, folder: Path | None = None, progress: bool = False) -> Self:
        need_torch()
        import torch

        from nearkin.training.settings import Training
        from nearkin.training.train import train

        offsets, rows = checked_log(interactions)
        items = interactions.right
        fields = FieldValues.of(items, self.fields, least=self.least)
        bags = fields(items)
        self.names_ = {name: list(values) for name, values in fields.known.items()}
        self.information_ = mutual_information(bags, shrink=True) if self.views == "correlated" else None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            towers = self._towers(fields)
        batches = _Pairs.of(self, bags, offsets, rows)
        share = np.log(np.maximum(known_counts(interactions), 1) / max(1, len(rows))).astype(np.float32)
        settings = Training(epochs=self.epochs, lr=self.lr, seed=self.seed)
        train(towers, batches, _loss(self, towers, torch.from_numpy(share)), settings, folder=folder, progress=progress)
        self.weights_ = {name: each.detach().cpu().numpy().copy() for name, each in towers.state_dict().items()}
        return self._holding(items)

    def item_vectors(self) -> Vectors:
        """The items to search among, by any index: rows of length 1, or all zero. Vectors[n, dim]."""
        return Vectors(fitted(self).units_, self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """Those who ask, as vectors of length 1 (all zero where no item of the history is known): Catalog[q] -> Vectors[q, dim]."""
        return Vectors(self._read(Histories.of(people, fitted(self).items_)), people)

    def block(self, histories: Histories) -> np.ndarray:
        states = self._read(histories)
        scores = np.exp((states @ self.units_.T - 1) / np.float32(self.temperature))
        scores[:, ~self.known_] = 0
        scores[~states.any(1)] = 0
        return scores

    def for_items(self, items: Catalog) -> Self:
        return copied(fitted(self), _towers_held=None)._holding(items)

    def _holding(self, items: Catalog) -> Self:
        """Work out the vectors of these items."""
        import torch

        bags = FieldValues(self.names_)(items)
        self.items_, self.known_ = items, bags.filled.any(1)
        with torch.inference_mode():
            units = self._net().items(*_tensors(bags)).numpy() if len(items) else np.zeros((0, self.dim), np.float32)
        self.units_ = np.where(self.known_[:, None], units, 0).astype(np.float32)
        return self

    def _read(self, histories: Histories) -> np.ndarray:
        """float32 [q, dim]."""
        import torch

        kept = self.known_[histories.rows]
        counts = np.bincount(histories.owners[kept], minlength=len(histories))
        lengths, stops = np.minimum(counts, self.length), np.cumsum(counts)
        asking, found = lengths > 0, np.zeros((len(histories), self.dim), np.float32)
        rows = histories.rows[kept][gathered((stops - lengths)[asking], lengths[asking])]
        if len(rows):
            bags = FieldValues(self.names_)(self.items_.take(np.unique(rows))).take(np.searchsorted(np.unique(rows), rows))
            with torch.inference_mode():
                found[asking] = self._net().histories(*_tensors(bags), torch.from_numpy(lengths[asking])).numpy()
        return found

    def _towers(self, fields: FieldValues) -> Any:
        from nearkin.layers.two_towers import TwoTowers

        return TwoTowers(fields.sizes, self.width, self.hidden, self.dim)

    def _net(self) -> Any:
        """The towers with their learned weights; made once and kept beside them."""
        need_torch()
        import torch

        held = self.__dict__.get("_towers_held")
        if held is None or held[0] is not self.weights_:
            with torch.random.fork_rng(devices=[]):
                net = self._towers(FieldValues(self.names_))
            net.load_state_dict({name: torch.from_numpy(np.array(each)) for name, each in self.weights_.items()})
            self.__dict__["_towers_held"] = held = (self.weights_, net.eval())
        return held[1]


class Pairs(NamedTuple):
    """Tensors of a batch: bags (codes, offsets) of the items of b histories and their lengths, the right items' rows, what they show,
    and two views of b other items with their rows; the last two empty where there is no second task."""

    history: tuple[Any, Any]
    lengths: Any
    right: Any
    shown: tuple[Any, Any]
    views: tuple[tuple[Any, Any], ...]
    drawn: Any


@dataclass(frozen=True)
class _Pairs:
    """Each item that followed others, with up to `length` of those before it (`training.Batches` of `Pairs`)."""

    model: TwoTower
    bags: Bags
    masks: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, model: TwoTower, bags: Bags, offsets: np.ndarray, rows: np.ndarray) -> Self:
        before = np.arange(len(rows)) - np.repeat(offsets[:-1], np.diff(offsets))
        targets = np.flatnonzero(before > 0)
        lengths = np.minimum(before[targets], model.length)
        masks = seed_masks(model.information_) if model.views == "correlated" else np.empty((0, 0), bool)
        return cls(model, bags, masks, rows.astype(np.int64), targets - lengths, lengths)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_evenly(len(self.starts), self.model.size, np.random.default_rng([self.model.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Pairs:
        import torch

        lengths = self.lengths[rows]
        right = self.rows[self.starts[rows] + lengths]
        shown = self.bags.take(right)
        if self.model.feature_dropout:
            shown = shown.hiding(random.random((len(rows), self.bags.fields)) < self.model.feature_dropout)
        drawn, views = random.integers(0, len(self.bags), len(rows) if self.model.views else 0), ()
        if self.model.views:
            made = two_views(self.bags.take(drawn), self.model.views, self.masks, self.model.dropout, random)
            views = tuple(_tensors(each) for each in made)
        history = _tensors(self.bags.take(self.rows[gathered(self.starts[rows], lengths)]))
        return Pairs(history, torch.from_numpy(lengths), torch.from_numpy(right), _tensors(shown), views, torch.from_numpy(drawn))


def _tensors(bags: Bags) -> tuple[Any, Any]:
    import torch

    return torch.from_numpy(bags.codes), torch.from_numpy(bags.offsets)


def _loss(model: TwoTower, towers: Any, share: Any) -> Callable[[Pairs], Any]:
    from nearkin.losses.corrected_softmax import corrected_softmax
    from nearkin.losses.info_nce import info_nce

    def loss(batch: Pairs) -> Any:
        asked, right = towers.histories(*batch.history, batch.lengths), towers.items(*batch.shown)
        scores, log_q = asked @ right.T / model.temperature, share[batch.right]
        whole = corrected_softmax(scores.diagonal(), scores, batch.right, batch.right, log_q, log_q_right=log_q)
        if batch.views:
            one, other = (towers.items(*each) for each in batch.views)
            whole = whole + model.alpha * info_nce(one, other, batch.drawn, temperature=model.view_temperature)
        return whole

    return loss
