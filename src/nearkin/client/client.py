"""A served collection, with the verbs of one that is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from nearkin.client import calls, pairs
from nearkin.client.calls import Call, Verb
from nearkin.client.found import Found
from nearkin.client.jobs import FOLLOW_S, finished, news
from nearkin.client.sending import Got, attempts
from nearkin.collection.partners import Partnered
from nearkin.errors import Missing
from nearkin.tables import Catalog, Links

T = TypeVar("T")
PAGE = 1_000  # things read at once by export


def connect(url: str, *, key: str | None = None, timeout_s: float = 60.0) -> Client:
    """A client of the service at this address; `key`: as `nearkin key` printed it. Needs httpx2 (extra `client`)."""
    return Client(url, key=key, timeout_s=timeout_s)


class Client:
    """Answers as a `Collection` does; may be used by many threads. A request that fails on its way is sent again, a write done once."""

    def __init__(self, url: str, *, key: str | None = None, timeout_s: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2().Client(headers=headers_of(key), timeout=timeout_s)
        self._id_field: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __len__(self) -> int:
        return int(self.info()["things"])

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    @property
    def version(self) -> int:
        """The newest version of the catalogue."""
        return int(self._run(calls.get("/version"))["catalogue"])

    def info(self) -> dict[str, Any]:
        """Counts, roles, stages and versions."""
        return self._run(calls.get("/v1/info"))

    def search(
        self, queries: str | Sequence[str] | Catalog, *, k: int = 10, where: str | None = None, stage: str | None = None,
        explain: bool = False, min_relevance: float | None = None, **more: Any,
    ) -> Found:  # fmt: skip
        """The k nearest things to each text; `more`: offset, facets, fields, highlight, cursor, version, timeout_ms."""
        told = {"k": k, "where": where, "stage": stage, "explain": explain, "min_relevance": min_relevance, **more}
        return self._run(calls.search(queries, told))

    def similar(
        self, ids: Sequence[str], *, k: int = 10, where: str | None = None, stage: str | None = None, explain: bool = False, **more: Any
    ) -> Found:
        """The k things most like each of these, themselves left out."""
        return self._run(calls.similar(ids, {"k": k, "where": where, "stage": stage, "explain": explain, **more}))

    def recommend(
        self, histories: Sequence[Sequence[str]] | Catalog, *, k: int = 10, where: str | None = None, explain: bool = False, **more: Any
    ) -> Found:
        """What comes next after each history of ids (oldest first); things of the history are left out."""
        return self._run(calls.recommend(histories, {"k": k, "where": where, "explain": explain, **more}))

    def match(
        self, table: Catalog, *, where: str | None = None, threshold: float = 0.9, one_to_one: bool = True, explain: bool = False,
        **more: Any,
    ) -> Partnered:  # fmt: skip
        """Which thing there each row of a table is, with the chance that it is the same; `more`: right, fields, version, timeout_ms."""
        told = {"where": where, "threshold": threshold, "one_to_one": one_to_one, "explain": explain, **more}
        return self._run(calls.match(table, told))

    def duplicates(self, *, where: str | None = None, threshold: float = 0.9, explain: bool = False) -> Partnered:
        """Pairs of things there that are, or may be, the same, surest first; worked out by a job, which keeps them for people to judge."""
        told: dict[str, Any] = {} if where is None else {"where": where}
        match = self.job("match", **told)["match"]
        bodies: list[dict[str, Any]] = []
        while path := pairs.next_page(match, threshold, bodies):
            bodies.append(self._run(calls.get(path)))
        return pairs.duplicated(bodies, explain=explain)

    def explain(self, query: str, item: str, *, stage: str | None = None, where: str | None = None) -> dict[str, Any]:
        """Why, and at which rank, one thing is an answer to one query."""
        return self._run(calls.explain(query, item, {"stage": stage, "where": where}))

    def items(self, ids: Sequence[str] | None = None, *, where: str | None = None, **more: Any) -> dict[str, Any]:
        """Things by id, or those that a filter holds for."""
        return self._run(calls.items({"ids": None if ids is None else list(ids), "where": where, **more}))

    def export(self) -> Iterator[dict[str, Any]]:
        """The things one by one, all of one version."""
        version, offset = self.version, 0
        while page := self.items(k=PAGE, offset=offset, version=version)["items"]:
            yield from page
            offset += len(page)

    def add(self, items: Catalog) -> None:
        """Add things, replacing those whose id is there already; durable and found when it returns. Ten thousand things a version."""
        self._run(calls.add(items, self._own_id_field()))

    def remove(self, ids: Sequence[str]) -> None:
        """Remove things, and the links from and to them; refused, with nothing removed, when an id is unknown."""
        self._run(calls.remove(ids))

    def add_links(self, links: Links) -> None:
        """Add what people did (or edges); the recommender learns from them at the next `compact`."""
        self._run(calls.add_links(links))

    def compact(self, *, keep_history: bool = False, progress: Callable[[str], None] | None = None) -> None:
        """Fit the stages anew and drop past versions; returns when it is done."""
        self.job("compact", progress=progress, keep_history=keep_history)

    def job(self, kind: str, *, progress: Callable[[str], None] | None = None, **told: Any) -> dict[str, Any]:
        """Do a long piece of work there (compact, tune, evaluate, import) and wait for it; its result."""
        job, said = self._run(calls.start(kind, told)), 0
        while not finished(job):
            time.sleep(FOLLOW_S)
            job = self._run(calls.get(f"/v1/jobs/{job['id']}"))
            said = news(job, said, progress)
        return job["result"] or {}

    def _own_id_field(self) -> str:
        if self._id_field is None:
            self._id_field = next(name for name, role in self.info()["roles"].items() if role == "id")
        return self._id_field

    def _run(self, verb: Verb[T]) -> T:
        return verb.join([self._sent(call) for call in verb.calls])

    def _sent(self, call: Call) -> Any:
        steps = attempts()
        wait_s = next(steps)
        while True:
            time.sleep(wait_s)
            try:
                wait_s = steps.send(self._once(call))
            except StopIteration as done:
                return done.value

    def _once(self, call: Call) -> Got:
        try:
            answer = self._http.request(call.method, self.url + call.path, content=call.body, headers=dict(call.headers))
        except httpx2().TransportError as error:
            return Got(0, f"{self.url}: {error}".encode(), {})
        return Got(answer.status_code, answer.content, answer.headers)


def headers_of(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def httpx2() -> Any:
    """The HTTP library, or the line that installs it."""
    try:
        import httpx2
    except ImportError as error:
        raise Missing("httpx2", "client") from error
    return httpx2
