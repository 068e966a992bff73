"""What Prometheus may ask: counts and times by route, never by path, id or query."""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from nearkin.service.answers import LIBRARY
from nearkin.service.part import SHARED

KIND = "text/plain; version=0.0.4; charset=utf-8"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Of one service; a registry of its own, so that two in one process do not meet. Several processes of one service count together."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        named: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("nearkin_http_requests", "Requests answered", ["route", "method", "status"], **named)
        self.durations = Histogram("nearkin_http_request_duration_seconds", "Time to answer", ["route"], buckets=SECONDS, **named)
        self.queries = Histogram("nearkin_query_duration_seconds", "Time of a step", ["verb", "stage", "step"], buckets=SECONDS, **named)
        self.writes = Histogram("nearkin_write_duration_seconds", "Time until a write was durable and visible", buckets=SECONDS, **named)
        self.rejected = Counter("nearkin_rejected", "Requests turned away", ["reason"], **named)
        self.waiting = Gauge("nearkin_queue_waiting", "Requests that wait for room", multiprocess_mode="livesum", **named)
        last: dict[str, Any] = {**named, "multiprocess_mode": "mostrecent"}
        self.items = Gauge("nearkin_items", "Things in the catalogue", **last)
        self.version = Gauge("nearkin_catalogue_version", "Version of the catalogue", **last)
        self.unindexed = Gauge("nearkin_unindexed_rows", "Things that came after a stage was fitted, the most of any", **last)
        self.index_bytes = Gauge("nearkin_index_bytes", "Size of a stage on disk", ["stage"], **last)
        self.jobs = Histogram("nearkin_job_seconds", "Time of a job", ["kind", "state"], buckets=(1, 10, 60, 600, 3600, 36000), **named)
        build = Gauge("nearkin_build_info", "The library behind the service", ["version"], **last)
        build.labels(LIBRARY).set(1)

    def request(self, route: str, method: str, status: int, took_s: float) -> None:
        self.requests.labels(route, method if method in METHODS else "odd", str(status)).inc()
        self.durations.labels(route).observe(took_s)
        if status in (401, 403, 413, 429, 503):
            self.rejected.labels(str(status)).inc()

    def steps(self, verb: str, stage: str, steps: dict[str, float]) -> None:
        for step, took_ms in steps.items():
            self.queries.labels(verb, stage, step).observe(took_ms / 1e3)

    def text(self) -> bytes:
        """All of it, of all processes."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        whole = CollectorRegistry()
        MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)
