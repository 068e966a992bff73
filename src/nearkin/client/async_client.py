"""The same client for programs that wait for many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from nearkin.client import calls, pairs
from nearkin.client.calls import Call, Verb
from nearkin.client.client import PAGE, headers_of, httpx2
from nearkin.client.found import Found
from nearkin.client.jobs import FOLLOW_S, finished, news
from nearkin.client.sending import Got, attempts
from nearkin.collection.partners import Partnered
from nearkin.tables import Catalog, Links

T = TypeVar("T")


def connect_async(url: str, *, key: str | None = None, timeout_s: float = 60.0) -> AsyncClient:
    """A client of the service at this address whose verbs are awaited."""
    return AsyncClient(url, key=key, timeout_s=timeout_s)


class AsyncClient:
    """Answers as a `Collection` does, one `await` a verb."""

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
        return int((await self._run(calls.get("/version")))["catalogue"])

    async def info(self) -> dict[str, Any]:
        """Counts, roles, stages and versions."""
        return await self._run(calls.get("/v1/info"))

    async def search(
        self, queries: str | Sequence[str] | Catalog, *, k: int = 10, where: str | None = None, stage: str | None = None,
        explain: bool = False, min_relevance: float | None = None, **more: Any,
    ) -> Found:  # fmt: skip
        """The k nearest things to each text; `more`: offset, facets, fields, highlight, cursor, version, timeout_ms."""
        told = {"k": k, "where": where, "stage": stage, "explain": explain, "min_relevance": min_relevance, **more}
        return await self._run(calls.search(queries, told))

    async def similar(
        self, ids: Sequence[str], *, k: int = 10, where: str | None = None, stage: str | None = None, explain: bool = False, **more: Any
    ) -> Found:
        """The k things most like each of these, themselves left out."""
        return await self._run(calls.similar(ids, {"k": k, "where": where, "stage": stage, "explain": explain, **more}))

    async def recommend(
        self, histories: Sequence[Sequence[str]] | Catalog, *, k: int = 10, where: str | None = None, explain: bool = False, **more: Any
    ) -> Found:
        """What comes next after each history of ids (oldest first); things of the history are left out."""
        return await self._run(calls.recommend(histories, {"k": k, "where": where, "explain": explain, **more}))

    async def match(
        self, table: Catalog, *, where: str | None = None, threshold: float = 0.9, one_to_one: bool = True, explain: bool = False,
        **more: Any,
    ) -> Partnered:  # fmt: skip
        """Which thing there each row of a table is, with the chance that it is the same; `more`: right, fields, version, timeout_ms."""
        told = {"where": where, "threshold": threshold, "one_to_one": one_to_one, "explain": explain, **more}
        return await self._run(calls.match(table, told))

    async def duplicates(self, *, where: str | None = None, threshold: float = 0.9, explain: bool = False) -> Partnered:
        """Pairs of things there that are, or may be, the same, surest first; worked out by a job, which keeps them for people to judge."""
        told: dict[str, Any] = {} if where is None else {"where": where}
        match = (await self.job("match", **told))["match"]
        bodies: list[dict[str, Any]] = []
        while path := pairs.next_page(match, threshold, bodies):
            bodies.append(await self._run(calls.get(path)))
        return pairs.duplicated(bodies, explain=explain)

    async def explain(self, query: str, item: str, *, stage: str | None = None, where: str | None = None) -> dict[str, Any]:
        """Why, and at which rank, one thing is an answer to one query."""
        return await self._run(calls.explain(query, item, {"stage": stage, "where": where}))

    async def items(self, ids: Sequence[str] | None = None, *, where: str | None = None, **more: Any) -> dict[str, Any]:
        """Things by id, or those that a filter holds for."""
        return await self._run(calls.items({"ids": None if ids is None else list(ids), "where": where, **more}))

    async def export(self) -> AsyncIterator[dict[str, Any]]:
        """The things one by one, all of one version."""
        version, offset = await self.version(), 0
        while page := (await self.items(k=PAGE, offset=offset, version=version))["items"]:
            for thing in page:
                yield thing
            offset += len(page)

    async def add(self, items: Catalog) -> None:
        """Add things, replacing those whose id is there already; durable and found when it returns. Ten thousand things a version."""
        await self._run(calls.add(items, await self._own_id_field()))

    async def remove(self, ids: Sequence[str]) -> None:
        """Remove things, and the links from and to them; refused, with nothing removed, when an id is unknown."""
        await self._run(calls.remove(ids))

    async def add_links(self, links: Links) -> None:
        """Add what people did (or edges); the recommender learns from them at the next `compact`."""
        await self._run(calls.add_links(links))

    async def compact(self, *, keep_history: bool = False, progress: Callable[[str], None] | None = None) -> None:
        """Fit the stages anew and drop past versions; returns when it is done."""
        await self.job("compact", progress=progress, keep_history=keep_history)

    async def job(self, kind: str, *, progress: Callable[[str], None] | None = None, **told: Any) -> dict[str, Any]:
        """Do a long piece of work there (compact, tune, evaluate, import) and wait for it; its result."""
        job, said = await self._run(calls.start(kind, told)), 0
        while not finished(job):
            await asyncio.sleep(FOLLOW_S)
            job = await self._run(calls.get(f"/v1/jobs/{job['id']}"))
            said = news(job, said, progress)
        return job["result"] or {}

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
