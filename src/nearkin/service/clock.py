"""How long each step of an answer took, and whether there is time for the next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from nearkin.service.problems import Problem


class Clock:
    """Started when the request came; a step that ends after the time allowed ends the answer (504)."""

    def __init__(self, timeout_ms: int, started: float | None = None) -> None:
        self.started = time.perf_counter() if started is None else started
        self.timeout_ms = timeout_ms
        self.steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps[name] = self.steps.get(name, 0.0) + round((time.perf_counter() - began) * 1e3, 3)
        self.check(name)

    def check(self, name: str) -> None:
        if self.took_ms > self.timeout_ms:
            raise Problem(504, f"the answer took longer than timeout_ms ({self.timeout_ms}); the step {name!r} was done last")

    @property
    def took_ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1e3, 3)
