"""What a service offers beside the verbs of a collection, an operation each, named as in its OpenAPI; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nearkin.client import calls
from nearkin.client.calls import NDJSON, Verb, at, given, once, one, post

Body = dict[str, Any]
NEWEST = "newest"


def live() -> Verb[str]:
    """Returns `ok` when the process answers."""
    return calls.get("/health/live")


def ready() -> Verb[str]:
    """Returns `ok` as soon as it can read and write. Refused (`Busy`): not after five tries."""
    return calls.get("/health/ready")


def about() -> Verb[Body]:
    """Versions of the library, the interface, the catalogue and its stages."""
    return calls.get("/version")


def versions() -> Verb[Body]:
    """The versions of the catalogue, its size and its stages."""
    return calls.get("/v1/versions")


def limits() -> Verb[dict[str, int]]:
    """How much one request may ask."""
    return calls.get("/v1/limits")


def metrics() -> Verb[str]:
    """What Prometheus reads; for keys with the scope `admin`."""
    return calls.get("/metrics")


def compare(
    query: str | None = None, a: str = "all", b: str = "recommend", *, after: Sequence[str] | None = None, k: int = 10,
    where: str | None = None, **more: Any,
) -> Verb[Body]:  # fmt: skip
    """One query, or one history (`after`, ids, oldest first), answered by two stages; `more`: fields, version, timeout_ms."""
    told = {"query": query, "after": None if after is None else list(after), "where": where, **more}
    return one(post("/v1/compare", {"a": a, "b": b, "k": k, **given(told)}))


def code(item: str, *, stage: str | None = None) -> Verb[Body]:
    """The symbols of a thing from coarse to fine, and which things share them."""
    return calls.get("/v1/code", id=item, stage=stage)


def found_by(item: str, *, stage: str | None = None) -> Verb[Body]:
    """The queries that return a thing, and at which rank."""
    return calls.get("/v1/found-by", id=item, stage=stage)


def get(item: str) -> Verb[Body]:
    """One thing (`item`), and the `etag` that changes when it does."""
    return calls.get(at("items", item))


def put(item: str, thing: Mapping[str, Any], *, match: str | None = None) -> Verb[Body]:
    """Add a thing, or replace all of it; with `match`, an etag, only if it has not changed since (else `BadInput`)."""
    return one(post(at("items", item), thing, _if(match), method="PUT"))


def patch(item: str, change: Mapping[str, Any], *, match: str | None = None) -> Verb[Body]:
    """Replace some fields of a thing, None takes a value away; `match` as for `put`."""
    return one(post(at("items", item), change, _if(match), method="PATCH"))


def delete(item: str, *, match: str | None = None) -> Verb[Body]:
    """Remove a thing, and the links from and to it; `match` as for `put`."""
    return calls.delete(at("items", item), _if(match))


def bulk(lines: Iterable[Mapping[str, Any]], *, atomic: bool = False) -> Verb[list[Body]]:
    """Many writes, `{"put": thing}`, `{"patch": thing}` or `{"delete": id}` each; what came of each, in order.

    atomic: all or none of each ten thousand.
    """
    return Verb(calls.bulk(lines, atomic=atomic), lambda bodies: [line for body in bodies for line in body[:-1]])


def _if(match: str | None) -> dict[str, str]:
    return {} if match is None else {"If-Match": match}


def start(kind: str, **told: Any) -> Verb[Body]:
    """Put a long piece of work into the queue; it has an `id`. See `wait`, and `job` for both at once."""
    return one(post("/v1/jobs", {"kind": kind, **told}, once()))


def jobs() -> Verb[list[Body]]:
    """The last hundred jobs, newest first."""
    return Verb(calls.get("/v1/jobs").calls, lambda bodies: bodies[0]["jobs"])


def job_state(job: str) -> Verb[Body]:
    """How far a job is, or how it ended."""
    return calls.get(at("jobs", job))


def cancel(job: str) -> Verb[Body]:
    """End a job that waits or runs."""
    return calls.delete(at("jobs", job))


def judge(query: str, item: str, grade: int) -> Verb[Body]:
    """Say how well a thing answers a query, 0 (not at all) to 3; replaces what this key said before."""
    return one(post("/v1/judgements", {"query": query, "item": item, "grade": grade}, method="PUT"))


def unjudge(query: str, item: str) -> Verb[Body]:
    """Take back what this key said of a pair."""
    return calls.delete("/v1/judgements", query=query, item=item)


def judgements(query: str | None = None) -> Verb[list[Body]]:
    """All that was judged and counts, in the order in which it was said."""
    return calls.get("/v1/judgements", {"Accept": NDJSON}, query=query)


def reports() -> Verb[Body]:
    """The last hundred evaluations, newest first; make one with `job("evaluate")`."""
    return calls.get("/v1/reports")


def report(report: str, *, metric: str | None = None, a: str | None = None, b: str | None = None, slice: str | None = None) -> Verb[Body]:
    """One evaluation; with a metric and two stages, `against`: the queries (of one slice) that decide between them."""
    return calls.get(at("reports", report), metric=metric, a=a, b=b, slice=slice)


def matches() -> Verb[list[Body]]:
    """The matches that are kept, newest first; make one with `job("match")`."""
    return Verb(calls.get("/v1/matches").calls, lambda bodies: bodies[0]["matches"])


def match_pairs(
    match: str = NEWEST, *, band: str = "maybe", threshold: float = 0.9, offset: int = 0, k: int = 20, explain: bool = False
) -> Verb[Body]:
    """The pairs of one band of a kept match, surest first."""
    return calls.get(at("matches", match), band=band, threshold=threshold, offset=offset, k=k, explain=explain)


def match_pair(pair: int, match: str = NEWEST, *, threshold: float = 0.9) -> Verb[Body]:
    """One pair of a kept match: both sides, and what speaks for and against it."""
    return calls.get(at("matches", match, "pairs", pair), threshold=threshold)


def judge_pair(pair: int, verdict: str | None, match: str = NEWEST) -> Verb[Body]:
    """Say that a pair is `same`, `different` or `unsure`; None takes it back."""
    return one(post(at("matches", match, "pairs", pair), {"verdict": verdict}, method="PUT"))


def match_judgements(match: str = NEWEST) -> Verb[list[Body]]:
    """What people said of the pairs of a kept match."""
    return calls.get(at("matches", match, "judgements"))


def remove_match(match: str) -> Verb[None]:
    """Forget a kept match, and what was said of its pairs."""
    return calls.delete(at("matches", match))


def map(color: str | None = None) -> Verb[bytes]:
    """All points of the map: the length of a header (uint32), the header (JSON), x and y (uint16), and a code a point for the colour."""
    return calls.get("/v1/map", color=color)


def map_things(rows: Sequence[int]) -> Verb[list[Body]]:
    """Ids and titles of points of the map."""
    call = post("/v1/map:things", {"rows": list(rows)})
    return Verb([call], lambda bodies: bodies[0]["things"])


def papers() -> Verb[list[Body]]:
    """The papers behind the library, and whether their claims held."""
    return Verb(calls.get("/v1/papers").calls, lambda bodies: bodies[0]["papers"])


def paper(name: str) -> Verb[Body]:
    """One paper with its proof."""
    return calls.get(at("papers", name))


def paper_curve(name: str) -> Verb[bytes]:
    """The picture (PNG) of a paper's curves."""
    return calls.get(at("papers", name, "curve"))


def keys() -> Verb[list[Body]]:
    """Who may ask; never the keys themselves."""
    return Verb(calls.get("/v1/keys").calls, lambda bodies: bodies[0]["keys"])


def add_key(scopes: Sequence[str] = ("read",), **told: Any) -> Verb[Body]:
    """Make a key, shown once as `key`; `told`: name, where, days, rate."""
    return one(post("/v1/keys", {"scopes": list(scopes), **told}))


def revoke(key: str) -> Verb[None]:
    """Take a key back, by its id."""
    return calls.delete(at("keys", key))
