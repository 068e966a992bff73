"""Stages one after another, run once even where several pipelines share a beginning."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from nearkin.errors import StageError
from nearkin.stage.stage import Refiner, Searcher, Stage, check_meets
from nearkin.tables import Hits

S = TypeVar("S", bound=Searcher)


@dataclass(eq=False)
class Memo:
    """What each stage gave for each table, so that a shared prefix runs once; holds on to both, so identities stay unique."""

    held_: dict[tuple[int, int], tuple[Any, Any, Any]] = field(default_factory=dict)

    def run(self, stage: Stage, table: Any, keep: np.ndarray | None = None) -> Any:
        if isinstance(stage, Pipeline | Composite):
            return stage.run(table, keep, self)
        key = (id(stage), id(table))
        if key not in self.held_:
            given = stage(table, keep=keep) if isinstance(stage, Searcher) else stage(table)
            self.held_[key] = (stage, table, given)
        return self.held_[key][2]


class Composite(Searcher):
    """A searcher made of stages, which runs them through a memo."""

    def __call__(self, table: Any, /, *, keep: np.ndarray | None = None) -> Hits:
        return self.run(table, keep, Memo())

    def score(self, table: Any, rows: np.ndarray, /) -> np.ndarray:
        return self.score_with(table, rows, Memo())

    def run(self, table: Any, keep: np.ndarray | None, memo: Memo) -> Hits:
        raise StageError(f"{type(self).__name__} does not say how it runs")

    def score_with(self, table: Any, rows: np.ndarray, memo: Memo) -> np.ndarray:
        raise StageError(f"{type(self).__name__} cannot score given candidates")


@dataclass(frozen=True, eq=False)
class Pipeline(Stage):
    """Stages joined by `>>`; made by `join`, which checks that neighbours meet."""

    stages: tuple[Stage, ...]

    @property
    def takes(self) -> type:  # type: ignore[override]
        return self.stages[0].takes

    @property
    def gives(self) -> type:  # type: ignore[override]
        return self.stages[-1].gives

    def __call__(self, table: Any, /, *, keep: np.ndarray | None = None) -> Any:
        return self.run(table, keep, Memo())

    def run(self, table: Any, keep: np.ndarray | None, memo: Memo) -> Any:
        if keep is not None and not any(isinstance(stage, Searcher | Pipeline) for stage in self.stages):
            raise StageError("a filter was given, but no stage of this pipeline searches")
        for stage in self.stages:
            table = memo.run(stage, table, keep)
        return table

    def score(self, table: Any, rows: np.ndarray, memo: Memo | None = None) -> np.ndarray:
        """Scores of given candidates by the searching stage at the end: int [q, c] -> float32 [q, c]."""
        memo = memo or Memo()
        *before, last = self.stages
        for stage in before:
            table = memo.run(stage, table)
        return candidate_scores(last, table, rows, memo)


def candidate_scores(stage: Stage, table: Any, rows: np.ndarray, memo: Memo) -> np.ndarray:
    """Scores of given candidates by any stage that searches."""
    if isinstance(stage, Pipeline):
        return stage.score(table, rows, memo)
    if isinstance(stage, Composite):
        return stage.score_with(table, rows, memo)
    if isinstance(stage, Searcher):
        return stage.score(table, rows)
    raise StageError(f"{type(stage).__name__} cannot score given candidates; end the branch with an index")


@dataclass(frozen=True, kw_only=True)
class Top(Refiner):
    """The first k hits of each query."""

    k: int

    def __call__(self, hits: Hits) -> Hits:
        return hits.top(self.k)


def top(k: int) -> Top:
    """The first k hits; after a searching stage it becomes that stage's own k."""
    return Top(k=k)


def join(left: Stage, right: Stage) -> Pipeline:
    """Two stages, or what they are made of, one after the other; a `top(k)` fuses into the searching stage before it."""
    check_meets(left, right)
    stages = list(_parts(left))
    for stage in _parts(right):
        before = stages[-1]
        if isinstance(stage, Top) and isinstance(before, Searcher):
            stages[-1] = with_k(before, min(stage.k, before.k))
        else:
            stages.append(stage)
    return Pipeline(tuple(stages))


def with_k(stage: S, k: int) -> S:
    """The same searching stage, answering with k hits; what it learned is shared."""
    other = copy(stage)
    object.__setattr__(other, "k", k)
    return other


def _parts(stage: Stage) -> tuple[Stage, ...]:
    return stage.stages if isinstance(stage, Pipeline) else (stage,)
