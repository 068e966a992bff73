"""How Ada-Retrieval learns its adapters, and how it reads histories in rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nearkin.indexes.histories import Histories
from nearkin.indexes.known_items import with_known
from nearkin.indexes.sequence_fit import need_torch
from nearkin.indexes.sequence_log import Batch, checked_log
from nearkin.metrics import next_item
from nearkin.tables import Links, unit
from nearkin.training.batches import cut_by_length, gathered, windows

if TYPE_CHECKING:
    from nearkin.indexes.ada_retrieval import AdaRetrieval

VALIDATED = 2000  # people, drawn at random, whose next item is asked for after each epoch
NET = "net."  # the backbone's weights among those of the rounds


@dataclass(frozen=True)
class PrefixBatches:
    """Each prefix of a history foretells the item after it (`training.Batches` of `Batch`), once an epoch.

    What was shown depends on the prefix, so that prefixes of one history have no work in common.
    rows: int64 [m], histories one after another; starts, lengths: int64 [w], the prefixes; tokens: a batch has about so many.
    """

    rows: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    tokens: int
    seed: int

    @classmethod
    def of(cls, offsets: np.ndarray, rows: np.ndarray, *, length: int, tokens: int, seed: int) -> Self:
        """Histories longer than `length` + 1 are cut from the end, as the backbone's are."""
        starts, stops = windows(offsets, length)
        prefixes = stops - starts - 1
        return cls(rows, np.repeat(starts, prefixes), 1 + gathered(np.zeros_like(prefixes), prefixes), tokens, seed)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_by_length(self.lengths, self.tokens, np.random.default_rng([self.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Batch:
        import torch

        starts, lengths = self.starts[rows], self.lengths[rows]
        items, last, targets = self.rows[gathered(starts, lengths)], np.cumsum(lengths) - 1, self.rows[starts + lengths]
        made = [torch.from_numpy(each) for each in (items, lengths, last, targets)]
        return Batch(made[0], made[1], None, made[2], made[3])


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
    model.items_, model.backbone_, model.adapters_ = interactions.right, first, None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.seed)
        rounds = rounds_of(model)
    adapters = torch.nn.ModuleDict({name: each for name, each in rounds.named_children() if name != "net"})

    def keep() -> None:
        model.adapters_ = {name: each.detach().cpu().numpy().copy() for name, each in adapters.state_dict().items()}

    if adapters and min(model.rounds, model.taught) > 1:
        slots = np.searchsorted(np.flatnonzero(first.known_), rows)
        batches = PrefixBatches.of(offsets, slots, length=first.length - first.two_sided, tokens=model.tokens, seed=model.seed)
        settings = Training(epochs=model.epochs, lr=model.lr, warmup=50, patience=model.patience, clip=10.0, seed=model.seed)
        validate = None if valid is None else _validation(model, interactions, valid, keep)
        train(adapters, batches, _loss_of(model, rounds), settings, validate=validate, folder=folder, progress=progress)
    keep()


def rounds_of(model: AdaRetrieval) -> Any:
    """The backbone's network, which learns no more, within the rounds, with the adapters learned so far."""
    import torch

    from nearkin.layers.adaptive_rounds import AdaptiveRounds

    backbone = model.backbone_
    gain = float(np.sqrt(np.square(backbone.table_[backbone.known_]).mean())) or 1.0
    made = AdaptiveRounds(backbone.net(), backbone.dim, model.batch, parts=tuple(model.parts), dropout=model.dropout, gain=gain)
    held = {NET + name: value for name, value in backbone.weights_.items()} | (model.adapters_ or {})
    made.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in held.items()}, strict=model.adapters_ is not None)
    made.net.requires_grad_(False)
    return made.eval()


def _loss_of(model: AdaRetrieval, rounds: Any) -> Callable[[Batch], Any]:
    """From the second round on: the softmax over what was not shown yet, of those whose next item was not."""
    import torch
    from torch.nn import functional as F

    from nearkin.losses.catalogue_softmax import catalogue_softmax

    backbone, count = model.backbone_, min(model.rounds, model.taught)
    table = torch.from_numpy(backbone.table_[backbone.known_])
    units = F.normalize(table, dim=1)

    def loss(batch: Batch) -> Any:
        states, shown = _asked(model, rounds, table, units, batch.items, batch.lengths, None, count)
        total = 0 * states[-1].sum()  # where all was shown there is nothing to learn
        for place in range(1, count):
            gone = torch.cat(shown[:place], 1)
            left = (gone != batch.targets[:, None]).all(1).nonzero()[:, 0]
            if len(left):
                asked = F.normalize(states[place].index_select(0, left), dim=1) * backbone.scale
                each = catalogue_softmax(asked, units, batch.targets[left], gone[left])
                total = total + model.discount ** (place - 1) * len(left) / len(gone) * each
        return total

    return loss


def _asked(model: AdaRetrieval, rounds: Any, table: Any, units: Any, items: Any, lengths: Any, barred: Any, count: int) -> tuple[Any, Any]:
    """`count` rounds of some packed histories; `barred`: bool [b, n] or None, besides what is in the histories."""
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
    return rounds(table, units, items, grid, hidden, barred, count)


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
        made = (rows[gathered(offsets[1:][able] - lengths, lengths)], lengths, _barred(model, histories)[able])
        table, units, items, counts, barred = (torch.from_numpy(np.array(each)) for each in (backbone.table_, model.units(), *made))
        with torch.inference_mode():
            found = _asked(model, model.net(), table, units, items, counts, barred, model.rounds)
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
