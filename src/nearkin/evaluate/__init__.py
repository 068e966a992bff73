"""Stages side by side on the same queries: one report with intervals and corrected p-values."""

from nearkin.evaluate.tasks import MatchTask, NextItemTask, Scores, SearchTask, Task, task_of

__all__ = ["MatchTask", "NextItemTask", "Scores", "SearchTask", "Task", "task_of"]
