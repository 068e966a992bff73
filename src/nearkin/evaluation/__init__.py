"""Stages side by side on the same queries: one report with intervals and corrected p-values."""

from nearkin.evaluation.evaluation import evaluate, evaluate_task
from nearkin.evaluation.leaks import check_leaks
from nearkin.evaluation.report import Report, Row
from nearkin.evaluation.tasks import MatchTask, NextItemTask, Scores, SearchTask, Task, task_of

__all__ = [
    "MatchTask",
    "NextItemTask",
    "Report",
    "Row",
    "Scores",
    "SearchTask",
    "Task",
    "check_leaks",
    "evaluate",
    "evaluate_task",
    "task_of",
]
