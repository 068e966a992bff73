"""The same client for programs that wait for many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from nearkin.client import calls, operations, pairs, verbs
from nearkin.client.bound import awaited
from nearkin.client.calls import Call, Verb
from nearkin.client.client import PAGE, headers_of, httpx2
from nearkin.client.jobs import FOLLOW_S, finished, news
from nearkin.client.sending import Got, attempts
from nearkin.collection.partners import Partnered
from nearkin.tables import Catalog

T = TypeVar("T")


def connect_async(url: str, *, key: str | None = None, timeout_s: float = 60.0) -> AsyncClient:
    """A client of the service at this address whose verbs are awaited."""
    return AsyncClient(url, key=key, timeout_s=timeout_s)


class AsyncClient:
    """Answers as a `Collection` does, one `await` a verb."""

    info = awaited(verbs.info)
    search = awaited(verbs.search)
    similar = awaited(verbs.similar)
    recommend = awaited(verbs.recommend)
    match = awaited(verbs.match)
    score_pairs = awaited(verbs.score_pairs)
    explain = awaited(verbs.explain)
    items = awaited(verbs.items)
    remove = awaited(verbs.remove)
    add_links = awaited(verbs.add_links)
    live = awaited(operations.live)
    ready = awaited(operations.ready)
    about = awaited(operations.about)
    versions = awaited(operations.versions)
    limits = awaited(operations.limits)
    metrics = awaited(operations.metrics)
    compare = awaited(operations.compare)
    code = awaited(operations.code)
    found_by = awaited(operations.found_by)
    get = awaited(operations.get)
    put = awaited(operations.put)
    patch = awaited(operations.patch)
    delete = awaited(operations.delete)
    bulk = awaited(operations.bulk)
    start = awaited(operations.start)
    jobs = awaited(operations.jobs)
    job_state = awaited(operations.job_state)
    cancel = awaited(operations.cancel)
    judge = awaited(operations.judge)
    unjudge = awaited(operations.unjudge)
    judgements = awaited(operations.judgements)
    reports = awaited(operations.reports)
    report = awaited(operations.report)
    matches = awaited(operations.matches)
    match_pairs = awaited(operations.match_pairs)
    match_pair = awaited(operations.match_pair)
    judge_pair = awaited(operations.judge_pair)
    match_judgements = awaited(operations.match_judgements)
    remove_match = awaited(operations.remove_match)
    map = awaited(operations.map)
    map_things = awaited(operations.map_things)
    papers = awaited(operations.papers)
    paper = awaited(operations.paper)
    paper_curve = awaited(operations.paper_curve)
    keys = awaited(operations.keys)
    add_key = awaited(operations.add_key)
    revoke = awaited(operations.revoke)

    def __init__(self, url: str, *, key: str | None = None, timeout_s: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2().AsyncClient(headers=headers_of(key), timeout=timeout_s)
        self._id_field: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def version(self) -> int:
        """The newest version of the catalogue."""
        return int((await self.about())["catalogue"])

    async def duplicates(self, *, where: str | None = None, threshold: float = 0.9, explain: bool = False) -> Partnered:
        """Pairs of things there that are, or may be, the same, surest first; worked out by a job, which keeps them for people to judge."""
        told: dict[str, Any] = {} if where is None else {"where": where}
        match = (await self.job("match", **told))["match"]
        bodies: list[dict[str, Any]] = []
        while path := pairs.next_page(match, threshold, bodies):
            bodies.append(await self._run(calls.get(path)))
        return pairs.duplicated(bodies, explain=explain)

    async def export(self) -> AsyncIterator[dict[str, Any]]:
        """The things one by one, all of one version."""
        version, offset = await self.version(), 0
        while page := (await self.items(k=PAGE, offset=offset, version=version))["items"]:
            for thing in page:
                yield thing
            offset += len(page)

    async def add(self, items: Catalog) -> None:
        """Add things, replacing those whose id is there already; durable and found when it returns. Ten thousand things a version."""
        await self._run(verbs.add(items, await self._own_id_field()))

    async def compact(self, *, keep_history: bool = False, progress: Callable[[str], None] | None = None) -> None:
        """Fit the stages anew and drop past versions; returns when it is done."""
        await self.job("compact", progress=progress, keep_history=keep_history)

    async def job(self, kind: str, *, progress: Callable[[str], None] | None = None, **told: Any) -> dict[str, Any]:
        """Do a long piece of work there (compact, tune, layout, evaluate, import, match) and wait for it; its result."""
        return await self.wait((await self.start(kind, **told))["id"], progress=progress)

    async def wait(self, job: str, *, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
        """Wait until a job is done; its result. Refused: one that failed or was cancelled."""
        said = 0
        while True:
            told = await self.job_state(job)
            said = news(told, said, progress)
            if finished(told):
                return told["result"] or {}
            await asyncio.sleep(FOLLOW_S)

    async def _own_id_field(self) -> str:
        if self._id_field is None:
            self._id_field = next(name for name, role in (await self.info())["roles"].items() if role == "id")
        return self._id_field

    async def _run(self, verb: Verb[T]) -> T:
        return verb.join([await self._sent(call) for call in verb.calls])

    async def _sent(self, call: Call) -> Any:
        steps = attempts()
        wait_s = next(steps)
        while True:
            await asyncio.sleep(wait_s)
            got = await self._once(call)
            try:
                wait_s = steps.send(got)
            except StopIteration as done:
                return done.value

    async def _once(self, call: Call) -> Got:
        try:
            answer = await self._http.request(call.method, self.url + call.path, content=call.body, headers=dict(call.headers))
        except httpx2().TransportError as error:
            return Got(0, f"{self.url}: {error}".encode(), {})
        return Got(answer.status_code, answer.content, answer.headers)
