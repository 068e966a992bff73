"""How Ada-Retrieval learns its second stage, and how it reads histories in rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nearkin.indexes.from_history import copied
from nearkin.indexes.histories import Histories
from nearkin.indexes.known_items import with_known
from nearkin.indexes.sequence_fit import need_torch
from nearkin.indexes.sequence_log import checked_log
from nearkin.metrics import next_item
from nearkin.tables import Links, unit
from nearkin.training.batches import cut_by_length, gathered, windows

if TYPE_CHECKING:
    from nearkin.indexes.ada_retrieval import AdaRetrieval

VALIDATED = 2000  # people, drawn at random, whose next item is asked for after each epoch
NET = "net."  # the backbone's weights among those of the rounds


class Prefixes(NamedTuple):
    """Tensors of some histories, one after another, and what came next: items int64 [m], lengths and targets int64 [b]."""

    items: Any
    lengths: Any
    targets: Any


@dataclass(frozen=True)
class PrefixBatches:
    """A prefix of each history, drawn anew in each epoch, foretells the item after it (`training.Batches` of `Prefixes`).

    rows: int64 [m], histories one after another; starts, lengths: int64 [w], the windows learned from; tokens: a batch has about so many.
    """

    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    tokens: int
    seed: int

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_by_length(self.lengths, self.tokens, np.random.default_rng([self.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Prefixes:
        import torch

        starts, lengths = self.starts[rows], 1 + random.integers(0, self.lengths[rows] - 1)
        items = self.rows[gathered(starts, lengths)]
        return Prefixes(*(torch.from_numpy(each) for each in (items, lengths, self.rows[starts + lengths])))


def learn(model: AdaRetrieval, interactions: Links, valid: Links | None, folder: Path | None, progress: bool) -> None:
    """Fill the learned fields."""
    need_torch()
    import torch

    from nearkin.training.settings import Training
    from nearkin.training.train import train

    offsets, rows = checked_log(interactions)
    first = model.backbone
    if first.weights_ is None:
        first = copy(first).fit(interactions, valid=valid, folder=None if folder is None else folder / "backbone", progress=progress)
    known = np.flatnonzero(first.known_)
    model.items_, model.backbone_, model.adapters_ = interactions.right, first, None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.seed)
        parts = torch.nn.ParameterDict({"table": torch.from_numpy(first.table_[known].copy())})
        parts["table"].requires_grad_()
        whole = torch.nn.ModuleDict({"parts": parts, "rounds": rounds_of(model)})
    starts, stops = windows(offsets, first.length - first.two_sided)
    batches = PrefixBatches(np.searchsorted(known, rows), starts, stops - starts, model.tokens, model.seed)
    settings = Training(epochs=model.epochs, lr=model.lr, patience=model.patience, clip=10.0, seed=model.seed)

    def keep() -> None:
        _keep(model, whole, known)

    validate = None if valid is None else _validation(model, interactions, valid, keep)
    train(whole, batches, _loss_of(model, whole), settings, validate=validate, folder=folder, progress=progress)
    keep()


def rounds_of(model: AdaRetrieval) -> Any:
    """The backbone's network within the rounds, with the weights learned so far."""
    import torch

    from nearkin.layers.adaptive_rounds import AdaptiveRounds

    backbone = model.backbone_
    gain = float(np.sqrt(np.square(backbone.table_[backbone.known_]).mean())) or 1.0
    made = AdaptiveRounds(backbone.net(), backbone.dim, model.batch, parts=tuple(model.parts), dropout=model.dropout, gain=gain)
    held = {NET + name: value for name, value in backbone.weights_.items()} | (model.adapters_ or {})
    made.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in held.items()}, strict=model.adapters_ is not None)
    return made.eval()


def _loss_of(model: AdaRetrieval, whole: Any) -> Callable[[Prefixes], Any]:
    from nearkin.layers.item_table import cosine_scores
    from nearkin.losses.catalogue_softmax import catalogue_softmax

    def loss(batch: Prefixes) -> Any:
        table = whole["parts"]["table"]
        _, units = cosine_scores(table[:1], table, 1.0)
        states, _ = _asked(model, whole["rounds"], table, units, batch.items, batch.lengths, None)
        scale = model.backbone_.scale
        each = [catalogue_softmax(cosine_scores(state, table[:1], scale)[0], units, batch.targets) for state in states]
        return sum(model.discount**place * value for place, value in enumerate(each))

    return loss


def _asked(model: AdaRetrieval, rounds: Any, table: Any, units: Any, items: Any, lengths: Any, barred: Any) -> tuple[Any, Any]:
    """All rounds of some packed histories; `barred`: bool [b, n] or None, besides what is in the histories."""
    import torch

    from nearkin.layers.grid import Grid

    grid, owners = Grid.of(lengths), torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    barred = torch.zeros(len(lengths), len(table), dtype=torch.bool) if barred is None else barred
    if not model.repeats:
        barred[owners, items] = True
    hidden = None
    if model.backbone_.two_sided:  # asked by a hidden token put last
        grid = Grid.of(lengths + 1)
        hidden = torch.zeros(len(items) + len(lengths), dtype=torch.bool)
        hidden[grid.last] = True
        items = torch.zeros(len(hidden), dtype=torch.int64).masked_scatter(~hidden, items)
    return rounds(table, units, items, grid, hidden, barred, model.rounds)


def _keep(model: AdaRetrieval, whole: Any, known: np.ndarray) -> None:
    """Take the weights over as arrays: the backbone's into a backbone of our own, the adapters' beside it."""
    arrays = {name: each.detach().cpu().numpy().copy() for name, each in whole["rounds"].state_dict().items()}
    table = model.backbone_.table_.copy()
    table[known] = whole["parts"]["table"].detach().cpu().numpy()
    weights = {name[len(NET) :]: each for name, each in arrays.items() if name.startswith(NET)}
    model.backbone_ = copied(model.backbone_, table_=table, weights_=weights)
    model.adapters_ = {name: each for name, each in arrays.items() if not name.startswith(NET)}


def _validation(model: AdaRetrieval, interactions: Links, valid: Links, keep: Callable[[], None]) -> Callable[[], float]:
    """Recall at 50 of the next items of some people: what the paper stops by."""
    drawn = np.sort(np.random.default_rng(model.seed).permutation(len(valid))[:VALIDATED])
    people, targets = interactions.histories().take(valid.left_rows[drawn]), valid.right_rows[drawn]

    def validate() -> float:
        keep()
        return float(next_item.recall(model.deeper(51)(people), targets, at=50).mean())

    return validate


def read(model: AdaRetrieval, histories: Histories) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """`AdaRetrieval.walk`."""
    import torch

    backbone = model.backbone_
    offsets, rows = with_known(histories.offsets, histories.rows, backbone.known_)
    lengths = np.minimum(np.diff(offsets), backbone.length - backbone.two_sided)
    able = np.flatnonzero(lengths)
    states = [np.zeros((len(histories), backbone.dim), np.float32) for _ in range(model.rounds)]
    shown = [np.full((len(histories), model.batch), -1) for _ in range(model.rounds)]
    if len(able):
        lengths = lengths[able]
        items = rows[gathered(offsets[1:][able] - lengths, lengths)]
        barred = _barred(model, histories)[able]
        table, units = (torch.from_numpy(np.array(each)) for each in (backbone.table_, model.units()))
        with torch.inference_mode():
            found = _asked(model, model.net(), table, units, *(torch.from_numpy(each) for each in (items, lengths, barred)))
        for place, (state, seen) in enumerate(zip(*found)):
            states[place][able], shown[place][able] = unit(state.numpy()), seen.numpy()
    return states, shown


def _barred(model: AdaRetrieval, histories: Histories) -> np.ndarray:
    """What the rounds may not show: items without a vector, those kept out, and the whole history unless repeats are allowed."""
    kept_out = ~model.backbone_.known_ | (False if model.barred is None else model.barred)
    found = np.repeat(kept_out[None], len(histories), 0)
    if not model.repeats:
        found[histories.owners, histories.rows] = True
    return found
