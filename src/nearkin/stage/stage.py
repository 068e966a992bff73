"""A stage maps one table to another; `a >> b` joins two and refuses at once when the tables do not meet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from nearkin.errors import NotFitted, StageError
from nearkin.tables import Catalog, Codes, Hits, Links, Vectors

if TYPE_CHECKING:
    from nearkin.stage.pipeline import Pipeline

S = TypeVar("S", bound="Stage")


def learned(*, optional: bool = False) -> Any:
    """A dataclass field that `fit` fills: None before, not a setting, not compared, not shown; an optional one may stay None."""
    return field(default=None, init=False, repr=False, compare=False, metadata={"optional": optional})


class Stage(ABC):
    """One table in, one table out. Settings are dataclass fields; learned fields end in `_` and are made with `learned()`."""

    takes: type
    gives: type

    @abstractmethod
    def __call__(self, table: Any, /) -> Any: ...

    def __rshift__(self, right: Stage) -> Pipeline:
        from nearkin.stage.pipeline import join

        return join(self, right)

    def state(self) -> dict[str, Any]:
        """What was learned, as plain values, arrays, tables and stages; what cannot be written so is turned into an array here."""
        return {each.name: getattr(self, each.name) for each in _learned_fields(self)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def save(self, folder: str | Path, *, shared: Mapping[str, Catalog] | None = None) -> None:
        """Write the stage to a new folder of JSON and safetensors; catalogues in `shared` are stored by name only."""
        from nearkin.stage.files import save

        save(self, Path(folder), shared or {})

    @staticmethod
    def load(folder: str | Path, *, shared: Mapping[str, Catalog] | None = None) -> Stage:
        """Read a stage that `save` wrote; arrays are memory-mapped, and no code from the folder is ever run."""
        from nearkin.stage.files import load

        return load(Path(folder), shared or {})


def _learned_fields(stage: Stage) -> list[Field[Any]]:
    return [each for each in fields(stage) if not each.init]  # type: ignore[arg-type]


@lru_cache
def _needed(kind: type) -> tuple[str, ...]:
    """The learned fields that must be there; asked at every call of a stage, so looked up once a class."""
    return tuple(each.name for each in fields(kind) if not each.init and not each.metadata.get("optional"))


def fitted(stage: S) -> S:
    """The stage itself, after making sure that `fit` was called."""
    if any(getattr(stage, name) is None for name in _needed(type(stage))):
        raise NotFitted(f"{type(stage).__name__} has not been fitted; call .fit(...) first")
    return stage


class Encoder(Stage):
    """Things to vectors, row by row: Catalog[n] -> Vectors[n, dim]."""

    takes = Catalog
    gives: type = Vectors

    def extended(self, _items: Catalog, /) -> Self:
        """The encoder made able to read these things too, earlier vectors unchanged; one without a vocabulary is that already."""
        return self


class Searcher(Stage):
    """Anything that answers queries with hits and can also score given candidates; `keep` restricts what may be answered."""

    gives = Hits
    k: int

    @abstractmethod
    def __call__(self, queries: Any, /, *, keep: np.ndarray | None = None) -> Hits:
        """The k best items for each query; `keep`: bool [n], only those items may be hits. Fewer than k only when fewer are kept."""

    @abstractmethod
    def score(self, queries: Any, rows: np.ndarray, /) -> np.ndarray:
        """Scores of given candidates: int [q, c] rows (-1: none) -> float32 [q, c] (-inf there), equal to those of a search."""


class Index(Searcher):
    """Vectors of items, searched with vectors of queries: Vectors[q, d] -> Hits[q, k]."""

    takes: type = Vectors

    @abstractmethod
    def fit(self, items: Any, /) -> Self:
        """Hold these items; their catalogue, if they know one, names the hits."""

    @abstractmethod
    def add(self, items: Any, /) -> Self:
        """A new index that also holds these items, their rows following those held."""

    @abstractmethod
    def remove(self, rows: np.ndarray, /) -> Self:
        """A new index in which these rows are never hits; the rows of the other items stay what they were."""


class Recommender(Searcher):
    """A model that is its own index: what people did so far to what comes next, Catalog (with a history field) -> Hits."""

    takes = Catalog

    @abstractmethod
    def fit(self, interactions: Links, /) -> Self:
        """Learn from users (left) x items (right), each user's links in order of time."""


class Projection(Stage):
    """Vectors to vectors: Vectors[n, d] -> Vectors[n, dim]. Called, it projects items; queries may need another map, see `asking`."""

    takes: type = Vectors
    gives: type = Vectors

    def asking(self) -> Stage:
        """The stage that projects queries, for inner products with projected items; the same one where both sides are treated alike."""
        return self


class Codec(Stage):
    """Vectors to symbols and back: Vectors[n, d] -> Codes[n, levels] -> Vectors[n, d]."""

    takes: type = Vectors
    gives = Codes

    @abstractmethod
    def fit(self, vectors: Vectors, /) -> Self:
        """Learn the codebooks."""

    @abstractmethod
    def decode(self, codes: Codes, /) -> Vectors:
        """The vectors that the symbols stand for, float32 [n, d]."""

    def scores(self, queries: Vectors, codes: Codes, /) -> np.ndarray:
        """Inner products of float queries with coded things, float32 [q, n]; a codec that need not decode for them has its own."""
        products: np.ndarray = np.asarray(queries.rows, np.float32) @ self.decode(codes).rows.T
        return products


class BitCodec(Codec):
    """Vectors to bits: Codes[n, planes * m] of two symbols, plane after plane; bit 1 of plane i stands for +2^-i, bit 0 for -2^-i.

    `version_` tells one fitted codec from any other: codes compare only with codes of the same version, or of one in `reads_`,
    the versions that this codec was fitted to be compatible with.
    """

    planes: int = 1
    version_: str | None
    reads_: tuple[str, ...] | None = None


class Refiner(Stage):
    """Hits to hits: rerank, cut, diversify, calibrate."""

    takes = Hits
    gives = Hits


class Matcher(Stage):
    """Hits to links: which of the candidates are the same thing."""

    takes = Hits
    gives = Links


def check_meets(left: Stage, right: Stage) -> None:
    """Refuse a join in which the right stage cannot read what the left one gives."""
    if not issubclass(left.gives, right.takes):
        raise StageError(
            f"{type(left).__name__} gives {left.gives.__name__}, but {type(right).__name__} takes {right.takes.__name__}; "
            f"put a stage between them that turns one into the other"
        )
