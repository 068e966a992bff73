"""Vectors that are worked out once and then read from disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from nearkin.stage import Encoder
from nearkin.stage.cache import cache_folder
from nearkin.tables import Catalog, RaggedVectors, SparseVectors, Vectors


@dataclass(frozen=True, kw_only=True)
class Cached(Encoder):
    """The vectors of another encoder, kept in a folder by its settings and the catalogue's fingerprint.

    Catalog[n] -> what `encoder` gives: dense, sparse or several a thing; rows that are not sparse come back as memory maps. The folder
    is NEARKIN_CACHE, else ~/.cache/nearkin. Use it for encoders without learned fields only: what was fitted is not part of the key.
    """

    encoder: Encoder

    @property
    def gives(self) -> type:  # type: ignore[override]
        return self.encoder.gives

    def __call__(self, catalog: Catalog) -> Any:
        path = self.path_for(catalog)
        if not path.exists():
            _write(self.encoder(catalog), path)
        return _read(path, catalog)

    def path_for(self, catalog: Catalog) -> Path:
        """Where the vectors of this catalogue are, or will be."""
        key = blake2b(f"{self.encoder!r} {catalog.fingerprint}".encode(), digest_size=12).hexdigest()
        return cache_folder() / "vectors" / f"{type(self.encoder).__name__}-{key}.{'npz' if self.gives is SparseVectors else 'npy'}"


def _write(vectors: Any, path: Path) -> None:
    """Beside its goal first, so that an interrupted run leaves nothing half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex[:8]}{path.suffix}")
    if isinstance(vectors, RaggedVectors):
        np.save(path.with_suffix(".offsets.npy"), vectors.offsets)  # before the rows, whose name says that both are there
    if isinstance(vectors, SparseVectors):
        np.savez(draft, offsets=vectors.offsets, columns=vectors.columns, values=vectors.values, dim=vectors.dim)
    else:
        np.save(draft, vectors.rows)
    os.replace(draft, path)


def _read(path: Path, catalog: Catalog) -> Any:
    if path.suffix == ".npy":
        rows, offsets = np.load(path, mmap_mode="r", allow_pickle=False), path.with_suffix(".offsets.npy")
        return RaggedVectors(rows, np.load(offsets, allow_pickle=False), catalog) if offsets.exists() else Vectors(rows, catalog)
    with np.load(path, allow_pickle=False) as held:
        return SparseVectors(held["offsets"], held["columns"], held["values"], int(held["dim"]), catalog)
