"""A code of a few symbols for each thing, from coarse to fine: that of the collection's own codec, else of one fitted to its vectors."""

from __future__ import annotations

import os
import shutil
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import numpy as np

from nearkin.codecs.residual_k_means import ResidualKMeans
from nearkin.collection.branch import Placed
from nearkin.collection.texts import searchable
from nearkin.indexes.flat_index import FlatIndex
from nearkin.service.problems import Problem
from nearkin.service.state import FOLDER
from nearkin.service.view import View
from nearkin.stage import BitCodec, Codec, Stage
from nearkin.tables import Vectors

LEVELS, MOST_LEVELS, MOST_SYMBOLS = 4, 16, 64
SAMPLE = 8_192  # things that a codec is fitted to
BLOCK = 4096  # things coded at once
SHARING = 8  # things that about share all symbols but the last
KEPT = "codes"  # the folder of fitted codecs, so that all processes of a service name things alike
HELD = 4

_held: OrderedDict[tuple[str, str], Coded] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, eq=False)
class Coded:
    """numbers: int64 [n], of the things as the collection counts them; symbols: [n, levels]; `source` says whose codes these are."""

    source: str
    codec: Codec
    sizes: tuple[int, ...]
    numbers: np.ndarray
    symbols: np.ndarray


def coded(view: View) -> Coded:
    """The codes of the things of a view; what was coded for an earlier one is not coded again. Refused (404): no dense vectors."""
    made: Coded = view.held("codes", lambda: _coded(view))
    return made


def _coded(view: View) -> Coded:
    name, placed = _dense(view)
    folder = view.shop.manifest.stages[name]
    key = (str(view.shop.place), folder)
    with _lock:
        before = _held.get(key)
        if before is None:
            own = _own_codec(placed)
            source = f"the codec of the stage {name}" if own is not None else f"residual k-means over the stage {name}"
            before = _empty(source, own or _fitted(view, placed, folder), placed)
        _held[key] = made = _moved(before, view, placed)
        _held.move_to_end(key)
        while len(_held) > HELD:
            _held.popitem(last=False)
        return made


def _dense(view: View) -> tuple[str, Placed]:
    for name in view.shop.manifest.search:
        placed = view.shop.stage(name)
        if isinstance(placed, Placed) and placed.encoder.gives is Vectors:
            return name, placed
    raise Problem(404, "codes need a search stage of dense vectors, and this collection has none")


def _own_codec(placed: Placed) -> Codec | None:
    """The codec of an index that keeps codes, where its codes are short enough to be read."""
    codec: Any = getattr(placed.index, "codec", None)
    if not isinstance(codec, Codec) or isinstance(codec, BitCodec):
        return None
    return codec if getattr(codec, "levels", MOST_LEVELS + 1) <= MOST_LEVELS else None


def _fitted(view: View, placed: Placed, folder: str) -> Codec:
    """The codec that was fitted for these very stages, by this process or another; else one fitted now, and kept."""
    home = view.shop.place / FOLDER / KEPT
    if not (home / folder).exists():
        count = len(view.catalog)
        rows = np.sort(np.random.default_rng(0).permutation(count)[:SAMPLE])
        codec = ResidualKMeans(levels=LEVELS, codebook_size=symbols_for(count)).fit(Vectors(_vectors(placed, view, rows)))
        _keep(codec, home, folder)
    kept = Stage.load(home / folder)
    assert isinstance(kept, Codec)
    return kept


def symbols_for(count: int) -> int:
    """So many symbols a level that some things share all levels but the last."""
    return int(min(count, np.clip(round((count / SHARING) ** (1 / (LEVELS - 1))), 2, MOST_SYMBOLS)))


def _keep(codec: Codec, home: Path, folder: str) -> None:
    """In place of those of earlier stages; where another process was faster, its codec stays."""
    home.mkdir(parents=True, exist_ok=True)
    for earlier in home.iterdir():
        if earlier.name != folder:
            shutil.rmtree(earlier, ignore_errors=True)
    draft = home / f".{folder}.{uuid4().hex[:6]}"
    codec.save(draft)
    try:
        os.rename(draft, home / folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)


def _empty(source: str, codec: Codec, placed: Placed) -> Coded:
    codes = codec(Vectors(np.zeros((1, _dim(placed)), np.float32)))
    return Coded(source, codec, codes.codebook_sizes, np.zeros(0, np.int64), codes.symbols[:0])


def _dim(placed: Placed) -> int:
    return int(placed.encoder(searchable(placed.items.take([0]))).dim)


def _moved(before: Coded, view: View, placed: Placed) -> Coded:
    """The codes of another state: only what is new is coded."""
    numbers = view.shop.numbers
    symbols = np.zeros((len(numbers), len(before.sizes)), before.symbols.dtype)
    old = np.isin(numbers, before.numbers)
    symbols[old] = before.symbols[np.searchsorted(before.numbers, numbers[old])]
    new = np.flatnonzero(~old)
    for start in range(0, len(new), BLOCK):
        rows = new[start : start + BLOCK]
        symbols[rows] = before.codec(Vectors(_vectors(placed, view, rows))).symbols
    return Coded(before.source, before.codec, before.sizes, numbers, symbols)


def _vectors(placed: Placed, view: View, rows: np.ndarray) -> np.ndarray:
    """float32 [rows, d]: as the index holds them, else encoded again."""
    if isinstance(placed.index, FlatIndex) and placed.index.items_ is not None:
        return np.asarray(placed.index.items_.rows[placed.index_rows(rows)], np.float32)
    parts = [placed.encoder(searchable(view.catalog.take(rows[start : start + BLOCK]))).rows for start in range(0, len(rows), BLOCK)]
    return np.concatenate(parts).astype(np.float32)
