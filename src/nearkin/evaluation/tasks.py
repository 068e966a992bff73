"""What is asked and how answers are measured: search, next item, match."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from nearkin.errors import BadInput
from nearkin.metrics import matching, next_item, retrieval
from nearkin.stage import Memo, Pipeline, Searcher, Stage, with_k
from nearkin.tables import Catalog, Data, Hits, Links, Split, best


class Scores(NamedTuple):
    """A metric unit by unit (query, user, left thing): the figure is sum(values) / sum(sizes)."""

    values: np.ndarray
    sizes: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values.sum() / self.sizes.sum()) if self.sizes.sum() else 0.0


class Task(ABC):
    """Queries, and how the answers to them are measured."""

    data: Data
    unit: str
    metrics: tuple[str, ...]

    @property
    @abstractmethod
    def queries(self) -> Catalog:
        """What every stage is asked."""

    @abstractmethod
    def training(self) -> Data:
        """The data without what tests."""

    @abstractmethod
    def measure(self, given: Any, metrics: Sequence[str]) -> dict[str, Scores]:
        """What a stage gave for the queries, as each metric unit by unit."""

    def answer(self, stage: Stage, metrics: Sequence[str], memo: Memo) -> Any:
        """What the stage gives for the queries, with hits enough for the metrics."""
        return memo.run(deeper(stage, cut_of(metrics)), self.queries)


@dataclass(frozen=True, kw_only=True)
class SearchTask(Task):
    """Queries with judgements, measured by trec_eval's rules over the queries that have a relevant item."""

    data: Data
    unit = "query"
    metrics = ("nDCG@10", "Recall@100")

    def __post_init__(self) -> None:
        self.data.need("queries", "truth")

    @cached_property
    def queries(self) -> Catalog:
        assert self.data.queries is not None
        assert self.data.truth is not None
        relevant = self.data.truth.take(self.data.truth.weight > 0)
        asked = relevant.left.take(np.unique(relevant.left_rows)).ids
        return self.data.queries.take(np.sort(self.data.queries.rows_of(asked)))

    def training(self) -> Data:
        return replace(self.data, truth=None)

    def measure(self, given: Hits, metrics: Sequence[str]) -> dict[str, Scores]:
        assert self.data.truth is not None
        found = retrieval.per_query(given, self.data.truth, metrics)
        return {name: Scores(values, np.ones(len(values))) for name, values in found.items()}


@dataclass(frozen=True, kw_only=True)
class NextItemTask(Task):
    """What each user chose last, asked of everything before it: leave-last-out over all items.

    Items that the user had already are no hits unless `repeats` (where repeats are part of life). `training()` has the training
    links as interactions and the last but one of each user as `train_truth`, to tune on.
    """

    data: Data
    repeats: bool = False
    unit = "user"
    metrics = ("Recall@10", "NDCG@10")

    def __post_init__(self) -> None:
        self.data.need("interactions")

    @cached_property
    def split(self) -> Split:
        assert self.data.interactions is not None
        return self.data.interactions.split("last")

    @cached_property
    def queries(self) -> Catalog:
        return self.split.test_histories().take(self.split.test.left_rows)

    def training(self) -> Data:
        return replace(self.data, interactions=self.split.train, train_truth=self.split.valid, truth=None)

    def answer(self, stage: Stage, metrics: Sequence[str], memo: Memo) -> Hits:
        wanted = cut_of(metrics) + 1  # one more, so that ties across the border are seen
        hits: Hits = memo.run(deeper(stage, wanted), self.queries)
        if self.repeats or not (seen := self._seen(hits)).any():
            return hits
        if ((hits.rows >= 0) & ~seen).sum(1).min() < wanted:
            hits = memo.run(deeper(stage, wanted + self._longest()), self.queries)
            seen = self._seen(hits)
        return best(np.where(seen, -np.inf, hits.scores), wanted, queries=hits.queries, items=hits.items, rows=hits.rows)

    def measure(self, given: Hits, metrics: Sequence[str]) -> dict[str, Scores]:
        functions = {"Recall": next_item.recall, "NDCG": next_item.ndcg, "nDCG": next_item.ndcg, "MRR": next_item.mrr}
        found = {}
        for name in metrics:
            stem, _, cut = name.partition("@")
            if stem not in functions or not cut.isdigit():
                raise BadInput(f"no metric {name!r} for the next item; use Recall@10, NDCG@10 or MRR@10")
            values = functions[stem](given, self.split.test.right_rows, at=int(cut))
            found[name] = Scores(values, np.ones(len(values)))
        return found

    def _longest(self) -> int:
        return int(np.diff(self.queries.history_rows(self.data.items)[0]).max(initial=0))

    def _seen(self, hits: Hits) -> np.ndarray:
        """Which hits the user had already: bool [q, k]."""
        offsets, rows = self.queries.history_rows(self.data.items)
        size = len(self.data.items)
        had = np.unique(np.repeat(np.arange(len(hits), dtype=np.int64), np.diff(offsets)) * size + rows)
        keys = np.arange(len(hits), dtype=np.int64)[:, None] * size + hits.rows
        return np.isin(keys, had) & (hits.rows >= 0)


@dataclass(frozen=True, kw_only=True)
class MatchTask(Task):
    """Left things (`data.queries`) with their true partners; hits count as pairs, every hit one."""

    data: Data
    unit = "left thing"
    metrics = ("F1", "precision", "recall")

    def __post_init__(self) -> None:
        self.data.need("queries", "truth")

    @property
    def queries(self) -> Catalog:
        assert self.data.queries is not None
        return self.data.queries

    def training(self) -> Data:
        return replace(self.data, truth=None)

    def measure(self, given: Links | Hits, metrics: Sequence[str]) -> dict[str, Scores]:
        assert self.data.truth is not None
        counts = matching.pair_counts(given.to_links() if isinstance(given, Hits) else given, self.data.truth)
        right, said, true = (np.asarray(each, float) for each in counts)
        known: Mapping[str, Scores] = {
            "F1": Scores(2 * right, said + true),
            "precision": Scores(right, said),
            "recall": Scores(right, true),
        }
        if unknown := [name for name in metrics if name not in known]:
            raise BadInput(f"no metric {unknown} for matching; use F1, precision or recall")
        return {name: known[name] for name in metrics}


def task_of(kind: str, data: Data) -> Task:
    """The task of this kind ("search", "next-item", "match") over the data."""
    kinds: dict[str, type[Any]] = {"search": SearchTask, "next-item": NextItemTask, "match": MatchTask}
    if kind not in kinds:
        raise BadInput(f"no task {kind!r}; there are {', '.join(kinds)}")
    return kinds[kind](data=data)  # type: ignore[no-any-return]


def cut_of(metrics: Sequence[str]) -> int:
    """How many hits the metrics look at: the largest number after an @."""
    return max((int(name.partition("@")[2]) for name in metrics if name.partition("@")[2].isdigit()), default=0)


def deeper(stage: Stage, k: int) -> Stage:
    """The stage answering with k hits at least, where its last step is a search; else the stage itself."""
    if isinstance(stage, Pipeline) and isinstance(stage.stages[-1], Searcher):
        return Pipeline((*stage.stages[:-1], deeper(stage.stages[-1], k)))  # type: ignore[arg-type]
    return with_k(stage, k) if isinstance(stage, Searcher) and not isinstance(stage, Pipeline) and stage.k < k else stage
