"""A training run on disk: one safetensors file that is always whole, whenever the process dies."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor, nn

from nearkin.errors import BadInput
from nearkin.stage.disk import flush

NAME = "checkpoint.safetensors"


def write(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Beside its goal, flushed, then renamed; the facts are JSON in the header, so weights and facts never part."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{uuid4().hex[:8]}"
    try:
        save_file({name: each.detach().cpu().contiguous() for name, each in tensors.items()}, draft, {"facts": json.dumps(facts)})
        flush(draft)
        os.replace(draft, folder / NAME)
    finally:
        draft.unlink(missing_ok=True)


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts of the last checkpoint; None where there is none. Refused: a file that is no checkpoint."""
    from safetensors import safe_open

    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["facts"])  # noqa: SIM118
    except Exception as error:  # the reader of safetensors has errors of its own
        raise BadInput(f"{path} is no checkpoint: {error}; remove it to start afresh") from error


def run_state(model: nn.Module, optimizer: torch.optim.Optimizer, best: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Everything that the next step depends on: weights, what the optimizer remembers, random states; and the best weights so far."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for place, held in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{place}.{name}": torch.as_tensor(value) for name, value in held.items()}
    tensors |= {f"best.{name}": value for name, value in (best or {}).items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return {name: value.clone() for name, value in tensors.items()}  # tied weights would be refused


def put_back(tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor] | None:
    """Undo `run_state`; gives the best weights so far, or None."""
    model.load_state_dict(_under("model", tensors))
    whole, held = optimizer.state_dict(), dict[int, dict[str, Tensor]]()
    for name, value in _under("optimizer", tensors).items():
        place, _, what = name.partition(".")
        held.setdefault(int(place), {})[what] = value
    optimizer.load_state_dict({"state": held, "param_groups": whole["param_groups"]})
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return _under("best", tensors) or None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(prefix + ".")}
