"""Run stages side by side on the same queries, and compare each with the first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from nearkin.errors import BadInput
from nearkin.evaluation.leaks import check_leaks
from nearkin.evaluation.report import Report, Row
from nearkin.evaluation.tasks import Scores, Task, task_of
from nearkin.metrics.intervals import holm, paired_bootstrap, randomisation_test
from nearkin.stage import Memo, Stage
from nearkin.tables import Data


def evaluate(stages: Mapping[str, Stage], data: Data, metrics: Sequence[str] | None = None, *, task: str = "search") -> Report:
    """Stages by name on the queries of a data set; the first is the baseline that the others are compared with.

    task: "search" (queries with judgements), "next-item" (leave-last-out; fit on `NextItemTask(data=data).training()`), "match".
    Beginnings that stages share run once. Cost: that of the stages, and 15,000 draws a query, metric and comparison.
    Refused: no stage, unknown metrics, data that lack what the task needs, data in which training and test overlap.
    """
    return evaluate_task(stages, task_of(task, data), metrics)


def evaluate_task(stages: Mapping[str, Stage], task: Task, metrics: Sequence[str] | None = None) -> Report:
    """The same for a task object, which holds the settings of the protocol."""
    if not stages:
        raise BadInput("expected at least one stage to evaluate, by name: evaluate({'bm25': stage}, data)")
    check_leaks(task)
    names = tuple(metrics or task.metrics)
    memo, values, seconds = Memo(), {}, {}
    for name, stage in stages.items():
        started = time.perf_counter()
        given = task.answer(stage, names, memo)
        seconds[name] = time.perf_counter() - started
        values[name] = task.measure(given, names)
    rows = [row for metric in names for row in compared({name: scores[metric] for name, scores in values.items()}, metric)]
    return Report(data=task.data.name, unit=task.unit, metrics=names, rows=tuple(rows), values=values, seconds=seconds)


def compared(scores: Mapping[str, Scores], metric: str) -> list[Row]:
    """One row a system; p-values corrected by Holm over the comparisons of this metric."""
    (first, base), *others = scores.items()
    tests = [{"our_sizes": each.sizes, "rival_sizes": base.sizes} for _, each in others]
    chances = [randomisation_test(each.values, base.values, **sizes) for (_, each), sizes in zip(others, tests, strict=True)]
    rows = [Row(system=first, metric=metric, mean=base.mean)]
    for (name, each), sizes, p, corrected in zip(others, tests, chances, holm(chances), strict=True):
        low, high = paired_bootstrap(each.values, base.values, **sizes)
        rows.append(
            Row(system=name, metric=metric, mean=each.mean, difference=each.mean - base.mean, low=low, high=high, p=p, p_holm=corrected)
        )
    return rows
