"""The one training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nearkin.errors import BadInput
from nearkin.training import checkpoint
from nearkin.training.log import Log
from nearkin.training.ranks import Ranks
from nearkin.training.settings import Batches, Trained, Training


def train(
    model: nn.Module,
    batches: Batches,
    loss: Callable[[Any], Tensor],
    settings: Training,
    *,
    validate: Callable[[], float] | None = None,
    groups: Sequence[dict[str, Any]] | None = None,
    after_step: Callable[[], None] | None = None,
    folder: Path | None = None,
    progress: bool = False,
) -> Trained:
    """Train `model` in place: the mean of `loss(batch)` goes down, and the weights with the best validation are kept at the end.

    `loss`: a batch as `batches.make` gives it, moved to the model's device -> a scalar. `validate`: a number that is better when it is
    higher, asked after each epoch with the model in eval mode and without gradients. `groups`: groups of parameters for AdamW with rates
    of their own ({"params": ..., "lr": ...}); by default all parameters with the settings' rate. `after_step`: called after each step.
    `folder`: where a checkpoint and logs are written; a run that finds one there goes on from it, and ends with the same weights, to the
    last bit on a CPU, as if it had never been stopped. Under torchrun each process takes its share of the batches of a step.
    Random numbers of torch are seeded from the settings and given back as they were.
    Refused: a checkpoint of other settings or another model; a loss that is not finite.
    """
    with torch.random.fork_rng(devices=_cuda(model)):
        return _Run(model, batches, loss, settings, groups, after_step, folder, progress).all(validate)


class _Run:
    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        loss: Callable[[Any], Tensor],
        settings: Training,
        groups: Sequence[dict[str, Any]] | None,
        after_step: Callable[[], None] | None,
        folder: Path | None,
        progress: bool,
    ) -> None:
        self.model, self.batches, self.loss, self.settings = model, batches, loss, settings
        self.after_step, self.folder = after_step, folder
        self.device = next(model.parameters()).device
        self.half = has_bfloat16(self.device) if settings.half is None else settings.half
        self.ranks = Ranks.here(self.device)
        self.optimizer = _adamw(groups or _by_decay(model, settings.weight_decay), settings)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.found, self.best, self.epoch, self.place = Trained(), None, 0, 0  # place: batches of this epoch that are behind us
        self.sum, self.count = 0.0, 0  # of losses in this epoch
        torch.manual_seed(settings.seed * 1000 + self.ranks.rank)
        self.described = self._described() if folder else {}
        self._resume()
        self.ranks.share(model.state_dict().values())
        self.log = Log(folder if self.ranks.first else None, step=self.found.steps, progress=progress and self.ranks.first)

    def all(self, validate: Callable[[], float] | None) -> Trained:
        """Every epoch that is left, then the best weights."""
        start, before = time.monotonic(), self.found.seconds
        while self.epoch < self.settings.epochs and not self._patience_is_out():
            self.model.train()
            for _ in self._steps():
                self.found.seconds = before + time.monotonic() - start
                if self.found.steps % self.settings.checkpoint_every == 0:
                    self._save()
            self._end_epoch(validate)
            self._save()
        if self.best is not None:
            self.model.load_state_dict(self.best)
        self.model.eval()
        self.log.close()
        return self.found

    def _steps(self) -> Iterator[None]:
        """The steps of the epoch that are left, each of `accumulate` batches a process."""
        cut, size = self.batches.cut(self.epoch), self.settings.accumulate * self.ranks.size
        if not len(cut):
            raise BadInput("there is nothing to train on: the epoch has no batches")
        while self.place < len(cut):
            places = range(self.place, min(self.place + size, len(cut)))
            done = (self.epoch + self.place / len(cut)) / self.settings.epochs
            self._step(cut, places, done)
            self.place = places.stop
            if self.found.steps % self.settings.log_every == 0:
                rate, mean = self.optimizer.param_groups[0]["lr"], self.sum / max(1, self.count)
                self.log.write(step=self.found.steps, epoch=self.epoch, loss=mean, lr=rate)
                self.log.tell(self.epoch, self.settings.epochs, done, mean)
            yield

    def _step(self, cut: Sequence[np.ndarray], places: range, done: float) -> None:
        for place in places[self.ranks.rank :: self.ranks.size]:
            value = self._loss(cut[place], place)
            (value / len(places)).backward()
            self.sum, self.count = self.sum + float(value.detach()), self.count + 1
        held = [each for group in self.optimizer.param_groups for each in group["params"]]
        self.ranks.add_up(held)
        if self.settings.clip:
            nn.utils.clip_grad_norm_(held, self.settings.clip)
        warm = min(1.0, (self.found.steps + 1) / max(1, self.settings.warmup))
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * warm * (1 - done)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.after_step:
            with torch.no_grad():
                self.after_step()
        self.found.steps += 1

    def _loss(self, rows: np.ndarray, place: int) -> Tensor:
        random = np.random.default_rng([self.settings.seed, self.epoch, place])
        batch = moved(self.batches.make(rows, random), self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            value = self.loss(batch)
        if not torch.isfinite(value):
            raise BadInput(f"the loss became {float(value.detach())} in epoch {self.epoch}, batch {place}; lower lr, or set clip")
        return value

    def _end_epoch(self, validate: Callable[[], float] | None) -> None:
        self.found.losses.append(self.sum / max(1, self.count))
        if validate is not None:
            self.model.eval()
            with torch.no_grad():
                value = self.ranks.said(validate() if self.ranks.first else 0.0, self.device)
            if value > max(self.found.validations, default=-np.inf):
                self.best = {name: each.detach().clone() for name, each in self.model.state_dict().items()}
                self.found.best_epoch = self.epoch
            self.found.validations.append(value)
            self.log.write(step=self.found.steps, epoch=self.epoch, loss=self.found.losses[-1], validation=value)
        else:
            self.found.best_epoch = self.epoch
        self.epoch, self.place, self.sum, self.count = self.epoch + 1, 0, 0.0, 0

    def _patience_is_out(self) -> bool:
        return 0 < self.settings.patience <= len(self.found.validations) - 1 - self.found.best_epoch

    def _save(self) -> None:
        if self.folder is not None and self.ranks.first:
            at = {"epoch": self.epoch, "place": self.place, "sum": self.sum, "count": self.count}
            facts = {"run": self.described, "at": at, "found": asdict(self.found)}
            checkpoint.write(self.folder, checkpoint.run_state(self.model, self.optimizer, self.best), facts)
        self.ranks.wait()

    def _resume(self) -> None:
        kept = None if self.folder is None else checkpoint.read(self.folder)
        if kept is None:
            return
        tensors, facts = kept
        if facts["run"] != self.described:
            differ = [name for name, value in self.described.items() if facts["run"].get(name) != value]
            raise BadInput(f"{self.folder} holds a run that differs in {differ}; choose another folder, or remove it to start afresh")
        random = torch.get_rng_state()
        self.best = checkpoint.put_back(tensors, self.model, self.optimizer)
        if not self.ranks.first:
            torch.set_rng_state(random)  # the state that was kept is that of the first process
        self.epoch, self.place, self.sum, self.count = (facts["at"][name] for name in ("epoch", "place", "sum", "count"))
        self.found = Trained(**facts["found"])

    def _described(self) -> dict[str, Any]:
        """What must be the same for a run to go on."""
        shapes = {name: list(each.shape) for name, each in self.model.state_dict().items()}
        return {**asdict(self.settings), "shapes": shapes, "first batch": [int(row) for row in self.batches.cut(0)[0][:8]]}


def moved(batch: Any, device: torch.device) -> Any:
    """Tensors, and tuples, named tuples, lists and dicts of them, on this device; anything else as it is."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: moved(each, device) for name, each in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(each, device) for each in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(moved(each, device) for each in batch)
    return batch


def has_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are faster here: not on processors that only imitate them (eight times slower with AVX2 alone)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _adamw(groups: Sequence[dict[str, Any]], settings: Training) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)


def _by_decay(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    held = [each for each in model.parameters() if each.requires_grad]
    return [
        {"params": [each for each in held if each.ndim > 1], "weight_decay": decay},
        {"params": [each for each in held if each.ndim <= 1], "weight_decay": 0.0},
    ]


def _cuda(model: nn.Module) -> list[int]:
    device = next(model.parameters()).device
    return [device.index or 0] if device.type == "cuda" else []
