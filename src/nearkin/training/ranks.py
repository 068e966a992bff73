"""One run over several processes, as torchrun starts them: equal weights, gradients added up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import distributed as dist


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and how many there are; alone unless torchrun said otherwise (WORLD_SIZE)."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls, device: torch.device) -> Ranks:
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, tensors: Iterable[torch.Tensor]) -> None:
        """Give every process the values of the first one."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), 0)

    def add_up(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sum the gradients of all processes, in one message; a parameter that this one did not use counts as 0."""
        if self.size == 1:
            return
        held = list(parameters)
        for each in held:
            if each.grad is None:
                each.grad = torch.zeros_like(each)
        flat = torch.cat([each.grad.flatten() for each in held])  # type: ignore[union-attr]
        dist.all_reduce(flat)
        for each, part in zip(held, flat.split([each.numel() for each in held])):
            each.grad.copy_(part.view_as(each))  # type: ignore[union-attr]

    def said(self, value: float, device: torch.device) -> float:
        """What the first process measured."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=device)
        dist.broadcast(told, 0)
        return float(told)

    def wait(self) -> None:
        if self.size > 1:
            dist.barrier()
