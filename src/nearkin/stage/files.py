"""Stages on disk: a folder with `stage.json`, `arrays.safetensors` and one Arrow file a catalogue; reading it runs no code from it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.stage.disk import flush
from nearkin.stage.stage import Stage
from nearkin.stage.sums import write_sums
from nearkin.tables import Catalog, Codes, Links, RaggedVectors, SparseVectors, Vectors

FORMAT = 1  # raised when an older nearkin could not read what a newer one writes

# How each table but Catalog is taken apart: the attributes that its constructor takes, by name.
_TABLES: dict[type, tuple[str, ...]] = {
    Vectors: ("rows", "things"),
    SparseVectors: ("offsets", "columns", "values", "dim", "things"),
    RaggedVectors: ("rows", "offsets", "things"),
    Codes: ("symbols", "codebook_sizes", "things"),
    Links: ("left", "right", "left_rows", "right_rows", "weight", "time"),
}
_TYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "|i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "|u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "BOOL": "|b1",
}


def save(stage: Stage, folder: Path, shared: Mapping[str, Catalog]) -> None:
    """Write all of it beside the goal, then rename, so that a crash never leaves half a stage under its name."""
    if folder.exists():
        raise BadInput(f"{folder} exists already; choose another folder or remove it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}.{uuid4().hex[:8]}"
    draft.mkdir()
    try:
        _Writer(draft, shared).write(stage)
        os.rename(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


class _Writer:
    def __init__(self, folder: Path, shared: Mapping[str, Catalog]) -> None:
        self.folder = folder
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[int, dict[str, Any]] = {id(catalog): {"shared": name} for name, catalog in shared.items()}
        self.held: list[object] = []  # keeps what was written alive, so that no id() is used twice

    def write(self, stage: Stage) -> None:
        from safetensors.numpy import save_file

        spec = {"format": FORMAT, "stage": self.node(stage)}
        save_file({name: np.ascontiguousarray(array) for name, array in self.arrays.items()}, self.folder / "arrays.safetensors")
        (self.folder / "stage.json").write_text(json.dumps(spec, indent=1, allow_nan=False))
        write_sums(self.folder)
        for path in self.folder.iterdir():
            flush(path)
        flush(self.folder)

    def node(self, value: Any) -> Any:
        """A value as JSON; what is met twice is written once."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.integer | np.floating | np.bool_):
            return value.item()
        if id(value) not in self.names:
            self.held.append(value)
            node = self._fresh(value)
            if not isinstance(value, Catalog | np.ndarray | Stage):
                return node
            self.names[id(value)] = {"again": len(self.held)} if isinstance(value, Stage) else node
            return {"is": len(self.held), **node} if isinstance(value, Stage) else node
        return self.names[id(value)]

    def _fresh(self, value: Any) -> dict[str, Any]:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Catalog):
            return self._catalog(value)
        if isinstance(value, Stage):
            return self._stage(value)
        if isinstance(value, tuple | list):
            return {"tuple" if isinstance(value, tuple) else "list": [self.node(each) for each in value]}
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: self.node(each) for key, each in value.items()}}
        if type(value) in _TABLES:
            return {"table": type(value).__name__, "with": {name: self.node(getattr(value, name)) for name in _TABLES[type(value)]}}
        raise BadInput(f"cannot write a {type(value).__name__} to a stage folder; a stage holds plain values, arrays, tables and stages")

    def _array(self, value: np.ndarray) -> dict[str, Any]:
        if value.dtype.kind == "U":
            return {"strings": value.tolist()}
        if value.dtype.newbyteorder("<").str not in _TYPES.values() and value.dtype.str not in _TYPES.values():
            raise BadInput(f"cannot write an array of {value.dtype} to a stage folder")
        name = f"a{len(self.arrays)}"
        self.arrays[name] = value
        return {"array": name}

    def _catalog(self, value: Catalog) -> dict[str, Any]:
        name = f"catalog{len(self.held)}.arrow"
        with pa.OSFile(str(self.folder / name), "wb") as file, pa.ipc.new_file(file, value.table.schema) as writer:
            writer.write_table(value.table)
        return {"catalog": name, "roles": dict(value.roles)}

    def _stage(self, value: Stage) -> dict[str, Any]:
        kind = type(value)
        if not kind.__module__.startswith("nearkin.") or not is_dataclass(value):
            raise BadInput(f"cannot write {kind.__module__}.{kind.__qualname__}: only dataclass stages of nearkin are read back")
        settings = {each.name: self.node(getattr(value, each.name)) for each in fields(value) if each.init}
        return {"part": f"{kind.__module__}:{kind.__qualname__}", "settings": settings, "learned": self.node(value.state())}


def load(folder: Path, shared: Mapping[str, Catalog]) -> Stage:
    """The stage that was saved there; refuses a newer format, and parts that are no stages of nearkin."""
    spec = read_spec(folder)
    stage = _Reader(folder, shared).value(spec["stage"])
    if not isinstance(stage, Stage):
        raise BadInput(f"{folder} does not hold a stage")
    return stage


def read_spec(folder: Path) -> dict[str, Any]:
    try:
        spec = json.loads((folder / "stage.json").read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{folder} is no stage folder, or it is damaged: {error}; build the stage again") from error
    if not isinstance(spec, dict) or not isinstance(spec.get("format"), int) or "stage" not in spec:
        raise BadInput(f"{folder / 'stage.json'} is not a stage; build the stage again")
    if spec["format"] > FORMAT:
        raise BadInput(f"{folder} was written by a newer nearkin (format {spec['format']}, this one reads {FORMAT}); upgrade nearkin")
    return spec


class _Reader:
    def __init__(self, folder: Path, shared: Mapping[str, Catalog]) -> None:
        self.folder = folder
        self.shared = shared
        self.arrays = mapped(folder / "arrays.safetensors")
        self.catalogs: dict[str, Catalog] = {}
        self.stages: dict[int, Stage] = {}

    def value(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        try:
            return self._by_kind(node)
        except KeyError as error:
            raise BadInput(f"{self.folder} is damaged: {error} is missing; build the stage again") from error

    def _by_kind(self, node: dict[str, Any]) -> Any:
        if "array" in node:
            return self.arrays[node["array"]]
        if "strings" in node:
            return np.array(node["strings"], dtype=str)
        if "tuple" in node or "list" in node:
            values = [self.value(each) for each in node.get("tuple", node.get("list", []))]
            return tuple(values) if "tuple" in node else values
        if "dict" in node:
            return {key: self.value(each) for key, each in node["dict"].items()}
        if "shared" in node:
            return self.shared[node["shared"]]
        if "catalog" in node:
            return self._catalog(node)
        if "table" in node:
            kind = next(kind for kind in _TABLES if kind.__name__ == node["table"])
            return kind(**{name: self.value(each) for name, each in node["with"].items()})
        return self.stages[node["again"]] if "again" in node else self._stage(node)

    def _catalog(self, node: dict[str, Any]) -> Catalog:
        name = Path(node["catalog"]).name
        if name not in self.catalogs:
            with pa.memory_map(str(self.folder / name)) as file:
                self.catalogs[name] = Catalog(pa.ipc.open_file(file).read_all(), node["roles"])
        return self.catalogs[name]

    def _stage(self, node: dict[str, Any]) -> Stage:
        kind = stage_type(node["part"])
        settings = {name: self.value(each) for name, each in node["settings"].items()}
        stage: Stage = kind(**settings)
        stage.restore(self.value(node["learned"]))
        self.stages[node["is"]] = stage
        return stage


def stage_type(name: str) -> Any:
    """`nearkin.room.file:Class` to the class; nothing outside nearkin is ever imported."""
    module, _, attribute = name.partition(":")
    if not module.startswith("nearkin.") or not attribute.isidentifier():
        raise BadInput(f"{name!r} is no part of nearkin")
    try:
        kind = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BadInput(f"this nearkin has no part {name!r}: {error}; it may come from another version") from error
    if not (isinstance(kind, type) and issubclass(kind, Stage)):
        raise BadInput(f"{name!r} is no stage")
    return kind


def mapped(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file as read-only memory maps: opening costs nothing, pages are read when touched."""
    size = path.stat().st_size if path.exists() else 0
    if size < 8:
        raise BadInput(f"{path} is missing or cut short; build the stage again")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, 100 << 20):
            raise BadInput(f"{path} is cut short; build the stage again")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {name: _mapped_one(path, 8 + length, size, entry) for name, entry in header.items()}


def _mapped_one(path: Path, base: int, size: int, entry: dict[str, Any]) -> np.ndarray:
    kind, (start, end) = np.dtype(_TYPES[entry["dtype"]]), entry["data_offsets"]
    if base + end > size:
        raise BadInput(f"{path} is cut short; build the stage again")
    if start == end:
        return np.empty(entry["shape"], kind)
    return np.memmap(path, kind, mode="r", offset=base + start, shape=tuple(entry["shape"]))
