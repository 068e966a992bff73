"""Following a job of a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nearkin.errors import NearkinError

FOLLOW_S = 0.25  # between two looks


def finished(job: Mapping[str, Any]) -> bool:
    """Whether it is done. Refused: one that failed or was cancelled."""
    if job["state"] in ("failed", "cancelled"):
        raise NearkinError(f"the job {job['kind']} {job['state']}: {job['problem'] or 'no reason was told'}")
    return bool(job["state"] == "done")


def news(job: Mapping[str, Any], said: int, progress: Callable[[str], None] | None) -> int:
    """Pass on what it said since; how much it has said."""
    lines = job["log_tail"]
    if progress is not None:
        for line in lines[said:]:
            progress(line)
    return len(lines)
