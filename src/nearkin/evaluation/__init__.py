"""Stages side by side on the same queries: one report with intervals and corrected p-values."""

from nearkin.evaluation.evaluation import evaluate, evaluate_task
from nearkin.evaluation.leaks import check_leaks
from nearkin.evaluation.report import Report, Row
from nearkin.evaluation.tasks import MatchTask, NextItemTask, Scores, SearchTask, Task, task_of
from nearkin.evaluation.verdicts import Verdict, interval, verdicts

__all__ = [
    "MatchTask",
    "NextItemTask",
    "Report",
    "Row",
    "Scores",
    "SearchTask",
    "Task",
    "Verdict",
    "check_leaks",
    "evaluate",
    "evaluate_task",
    "interval",
    "task_of",
    "verdicts",
]
