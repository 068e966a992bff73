"""The threads of this process that share long loops: numba kernels and NumPy let go of the interpreter while they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


def cores() -> int:
    """Cores this process may run on, or its share of them where NUMBA_NUM_THREADS names one."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(there, int(share)) if share.isdecimal() and int(share) else there


def in_threads(work: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    """The work on each part, on all cores; in order. Parts must not write to the same place."""
    parts = list(parts)
    if cores() == 1 or len(parts) < 2:
        return [work(part) for part in parts]
    return list(_pool().map(work, parts))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), "nearkin")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
