"""What must never happen before measuring: that something which tests was there to learn from."""

from __future__ import annotations

from nearkin.errors import BadInput, listed
from nearkin.evaluation.tasks import NextItemTask, SearchTask, Task


def check_leaks(task: Task) -> None:
    """Refuse a task whose test is in its training.

    next-item: a link in two parts of the split. search and match: a pair both in `truth` and `train_truth`; search also: a query in both.
    """
    if isinstance(task, NextItemTask):
        task.split.check_leaks()
        return
    truth, train = task.data.truth, task.data.train_truth
    if truth is None or train is None:
        return
    shared = set(truth.pairs()) & set(train.pairs())
    if shared:
        raise BadInput(f"{len(shared)} pairs both train and test in {task.data.name!r}: {listed(sorted(shared))}; take them out of one")
    if isinstance(task, SearchTask):
        asked = {query for query, _ in truth.pairs()} & {query for query, _ in train.pairs()}
        if asked:
            raise BadInput(f"{len(asked)} queries both train and test in {task.data.name!r}: {listed(sorted(asked))}; take them out of one")
