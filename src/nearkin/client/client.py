"""A served collection, with the verbs of one that is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from nearkin.client import calls, operations, pairs, verbs
from nearkin.client.bound import plain
from nearkin.client.calls import Call, Verb
from nearkin.client.jobs import FOLLOW_S, finished, news
from nearkin.client.sending import Got, attempts
from nearkin.collection.partners import Partnered
from nearkin.errors import Missing
from nearkin.tables import Catalog

T = TypeVar("T")
PAGE = 1_000  # things read at once by export


def connect(url: str, *, key: str | None = None, timeout_s: float = 60.0) -> Client:
    """A client of the service at this address; `key`: as `nearkin key` printed it. Needs httpx2 (extra `client`)."""
    return Client(url, key=key, timeout_s=timeout_s)


class Client:
    """Answers as a `Collection` does; may be used by many threads. A request that fails on its way is sent again, a write done once."""

    info = plain(verbs.info)
    search = plain(verbs.search)
    similar = plain(verbs.similar)
    recommend = plain(verbs.recommend)
    match = plain(verbs.match)
    score_pairs = plain(verbs.score_pairs)
    explain = plain(verbs.explain)
    items = plain(verbs.items)
    remove = plain(verbs.remove)
    add_links = plain(verbs.add_links)
    live = plain(operations.live)
    ready = plain(operations.ready)
    about = plain(operations.about)
    versions = plain(operations.versions)
    limits = plain(operations.limits)
    metrics = plain(operations.metrics)
    compare = plain(operations.compare)
    code = plain(operations.code)
    found_by = plain(operations.found_by)
    get = plain(operations.get)
    put = plain(operations.put)
    patch = plain(operations.patch)
    delete = plain(operations.delete)
    bulk = plain(operations.bulk)
    start = plain(operations.start)
    jobs = plain(operations.jobs)
    job_state = plain(operations.job_state)
    cancel = plain(operations.cancel)
    judge = plain(operations.judge)
    unjudge = plain(operations.unjudge)
    judgements = plain(operations.judgements)
    reports = plain(operations.reports)
    report = plain(operations.report)
    matches = plain(operations.matches)
    match_pairs = plain(operations.match_pairs)
    match_pair = plain(operations.match_pair)
    judge_pair = plain(operations.judge_pair)
    match_judgements = plain(operations.match_judgements)
    remove_match = plain(operations.remove_match)
    map = plain(operations.map)
    map_things = plain(operations.map_things)
    papers = plain(operations.papers)
    paper = plain(operations.paper)
    paper_curve = plain(operations.paper_curve)
    keys = plain(operations.keys)
    add_key = plain(operations.add_key)
    revoke = plain(operations.revoke)

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
        return int(self.about()["catalogue"])

    def duplicates(self, *, where: str | None = None, threshold: float = 0.9, explain: bool = False) -> Partnered:
        """Pairs of things there that are, or may be, the same, surest first; worked out by a job, which keeps them for people to judge."""
        told: dict[str, Any] = {} if where is None else {"where": where}
        match = self.job("match", **told)["match"]
        bodies: list[dict[str, Any]] = []
        while path := pairs.next_page(match, threshold, bodies):
            bodies.append(self._run(calls.get(path)))
        return pairs.duplicated(bodies, explain=explain)

    def export(self) -> Iterator[dict[str, Any]]:
        """The things one by one, all of one version."""
        version, offset = self.version, 0
        while page := self.items(k=PAGE, offset=offset, version=version)["items"]:
            yield from page
            offset += len(page)

    def add(self, items: Catalog) -> None:
        """Add things, replacing those whose id is there already; durable and found when it returns. Ten thousand things a version."""
        self._run(verbs.add(items, self._own_id_field()))

    def compact(self, *, keep_history: bool = False, progress: Callable[[str], None] | None = None) -> None:
        """Fit the stages anew and drop past versions; returns when it is done."""
        self.job("compact", progress=progress, keep_history=keep_history)

    def job(self, kind: str, *, progress: Callable[[str], None] | None = None, **told: Any) -> dict[str, Any]:
        """Do a long piece of work there (compact, tune, layout, evaluate, import, match) and wait for it; its result."""
        return self.wait((self.start(kind, **told))["id"], progress=progress)

    def wait(self, job: str, *, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
        """Wait until a job is done; its result. Refused: one that failed or was cancelled."""
        said = 0
        while True:
            told = self.job_state(job)
            said = news(told, said, progress)
            if finished(told):
                return told["result"] or {}
            time.sleep(FOLLOW_S)

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
