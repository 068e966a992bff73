"""A table of word pieces on disk and in memory: the folder `table.safetensors`, `vocabulary.txt`, or one that model2vec wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.encoders.wordpiece import WordPiece
from nearkin.errors import BadInput

WEIGHTS = Path(__file__).parent / "weights"  # the tables that come along


@dataclass(frozen=True, eq=False)
class WordTable:
    """The vector of a text is the sum over its pieces of weight times row: `rows` float32 [v, dim], `weights` float32 [v]."""

    pieces: WordPiece
    rows: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        size = len(self.pieces.vocabulary)
        if self.rows.ndim != 2 or len(self.rows) != size or self.weights.shape != (size,):
            shapes = f"rows {list(self.rows.shape)} and weights {list(self.weights.shape)}"
            raise BadInput(f"a table of {size} word pieces has rows [{size}, dim] and weights [{size}], got {shapes}")


@lru_cache(maxsize=4)
def read_table(model: str) -> WordTable:
    """The table of a name in `weights` or of a folder; read once, then shared by all that ask (never written to)."""
    folder = WEIGHTS / model if (WEIGHTS / model).is_dir() else Path(model)
    arrays = _arrays(folder / "table.safetensors")
    pieces = WordPiece((folder / "vocabulary.txt").read_text(encoding="utf-8").rstrip("\n").split("\n"))
    return WordTable(pieces, arrays["rows"] * arrays["scale"][:, None], arrays["weights"])


def write_table(table: WordTable, folder: Path) -> None:
    """Rows as int8 with one float32 scale a row; what this costs in quality was below .001 nDCG@10 on four collections."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    scale = (np.abs(table.rows).max(1) / 127).astype(np.float32)
    rows = np.rint(table.rows / np.where(scale > 0, scale, 1)[:, None]).astype(np.int8)
    save_file({"rows": rows, "scale": scale, "weights": table.weights.astype(np.float32)}, folder / "table.safetensors")
    (folder / "vocabulary.txt").write_text("\n".join(table.pieces.vocabulary) + "\n", encoding="utf-8")


def read_model2vec(folder: Path) -> WordTable:
    """The table of a model2vec folder: `model.safetensors` with embeddings, `tokenizer.json` of type WordPiece for lower-cased text."""
    arrays = _arrays(folder / "model.safetensors")
    vocabulary = _vocabulary(folder / "tokenizer.json")
    rows = arrays["embeddings"].astype(np.float32)
    rows = rows[arrays["mapping"]] if "mapping" in arrays else rows
    weights = arrays["weights"].astype(np.float32) if "weights" in arrays else np.ones(len(vocabulary), np.float32)
    return WordTable(WordPiece(vocabulary), rows, weights)


def _vocabulary(path: Path) -> list[str]:
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}; expected the tokenizer that model2vec saved") from error
    model, normalizer = spec["model"], spec.get("normalizer") or {}
    if model.get("type") != "WordPiece" or not normalizer.get("lowercase"):
        raise BadInput(f"{path} is a tokenizer of type {model.get('type')} ({normalizer}); expected WordPiece that lowers case")
    vocabulary: list[str] = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return vocabulary


def _arrays(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        known = ", ".join(sorted(each.name for each in WEIGHTS.glob("*")))
        raise BadInput(f"no word table at {path} ({error}); name one that comes along ({known}) or a folder that holds one") from error
