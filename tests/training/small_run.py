"""A training run of some steps with everything random in it; run as a program, it trains in the folder it is given."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nearkin.training.batches import cut_evenly
from nearkin.training.settings import Training
from nearkin.training.train import train

SETTINGS = {"epochs": 4, "lr": 0.05, "warmup": 3, "checkpoint_every": 2, "log_every": 1, "seed": 3}


class Points:
    """Points of the plane and the side of a line they are on; a batch is shaken a little, which takes random numbers."""

    def __init__(self, count: int = 96, wait_s: float = 0.0) -> None:
        self.points = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
        self.wait_s = wait_s

    def cut(self, epoch: int):
        return cut_evenly(len(self.points), 16, np.random.default_rng([7, epoch]))

    def make(self, rows, random):
        time.sleep(self.wait_s)
        points = self.points[rows] + random.normal(0, 0.1, (len(rows), 2)).astype(np.float32)
        return {"points": torch.from_numpy(points), "sides": torch.from_numpy((self.points[rows].sum(1) > 0).astype(np.float32))}


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(2, 8), nn.Dropout(float(os.environ.get("SMALL_RUN_DROPOUT", "0.3"))), nn.Tanh(), nn.Linear(8, 1))


def loss_of(model: nn.Module):
    return lambda batch: nn.functional.binary_cross_entropy_with_logits(model(batch["points"])[:, 0], batch["sides"])


def run(folder: Path | None, *, batches: Points | None = None, validate=None, **more) -> tuple[nn.Module, object]:
    model = network()
    settings = Training(**{**SETTINGS, **more})
    return model, train(model, batches or Points(), loss_of(model), settings, folder=folder, validate=validate)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, wait_s = Path(sys.argv[1]), float(sys.argv[2])
    model, found = run(folder, batches=Points(wait_s=wait_s))
    if len(sys.argv) > 3:
        from safetensors.torch import save_file

        save_file(model.state_dict(), sys.argv[3])
