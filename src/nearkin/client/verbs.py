"""The verbs of a collection, as the requests they take and how their answers are joined; nothing is sent from here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nearkin.client.calls import Verb, bulk, bulk_call, get, given, line, once, one, post
from nearkin.client.found import Found
from nearkin.client.pairs import matching_value, partnered
from nearkin.collection.partners import Partnered
from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links

QUERIES, LINKS, ROWS, PAIRS = 256, 10_000, 1_000, 500  # in one request; the service's own limits


def info() -> Verb[dict[str, Any]]:
    """Counts, roles, stages and versions."""
    return get("/v1/info")


def search(
    queries: str | Sequence[str] | Catalog, *, k: int = 10, where: str | None = None, stage: str | None = None,
    explain: bool = False, min_relevance: float | None = None, **more: Any,
) -> Verb[Found]:  # fmt: skip
    """The k nearest things to each text; `more`: offset, facets, fields, highlight, cursor, version, timeout_ms."""
    names, texts = _asked(queries)
    told = {"k": k, "where": where, "stage": stage, "explain": explain, "min_relevance": min_relevance, **more}
    return _in_parts("/v1/search", "queries", texts, told, names)


def similar(
    ids: Sequence[str], *, k: int = 10, where: str | None = None, stage: str | None = None, explain: bool = False, **more: Any
) -> Verb[Found]:
    """The k things most like each of these, themselves left out."""
    told = {"k": k, "where": where, "stage": stage, "explain": explain, **more}
    return _in_parts("/v1/similar", "ids", list(ids), told, list(ids))


def recommend(
    histories: Sequence[Sequence[str]] | Catalog, *, k: int = 10, where: str | None = None, explain: bool = False, **more: Any
) -> Verb[Found]:
    """What comes next after each history of ids (oldest first); things of the history are left out."""
    table = histories if isinstance(histories, Catalog) else Catalog.histories(histories)
    told = {"k": k, "where": where, "explain": explain, **more}
    return _in_parts("/v1/recommend", "histories", [list(each or []) for each in table["history"]], told, table.id_list)


def _in_parts(path: str, name: str, asked: Sequence[Any], told: Mapping[str, Any], names: Sequence[str]) -> Verb[Found]:
    parts = [asked[start : start + QUERIES] for start in range(0, len(asked), QUERIES)]
    return Verb([post(path, {name: part, **given(told)}) for part in parts], lambda bodies: Found.joined(names, bodies))


def _asked(queries: str | Sequence[str] | Catalog) -> tuple[list[str], list[str]]:
    """Names and texts of queries, as a collection reads them."""
    if isinstance(queries, Catalog):
        fields = queries.fields("text", "category")
        return queries.id_list, queries.texts(*fields) if fields else [""] * len(queries)
    texts = [queries] if isinstance(queries, str) else list(queries)
    return [str(place) for place in range(len(texts))], texts


def explain(query: str, item: str, *, stage: str | None = None, where: str | None = None) -> Verb[dict[str, Any]]:
    """Why, and at which rank, one thing is an answer to one query."""
    return one(post("/v1/explain", {"query": query, "id": item, **given({"stage": stage, "where": where})}))


def match(
    table: Catalog, *, where: str | None = None, threshold: float = 0.9, one_to_one: bool = True, explain: bool = False, **more: Any
) -> Verb[Partnered]:
    """Which thing there each row of a table is, with the chance that it is the same; `more`: right, fields, version, timeout_ms.

    Refused: more rows than one request may hold, since the chances are learned from all of them together.
    """
    if len(table) > ROWS:
        raise BadInput(f"{len(table):,} rows are too many for one request, {ROWS:,} at most; put the file into the imports and start a job")
    own = table.id_field
    rows = [{name: matching_value(value) for name, value in thing.items() if value is not None} for thing in table]
    roles = {name: role for name, role in table.roles.items() if name != own and any(name in row for row in rows)}
    told = {"where": where, "threshold": threshold, "one_to_one": one_to_one, "explain": explain, **more}
    if not rows:
        return Verb([], lambda _: Partnered([], [], None, None))
    return Verb([post("/v1/match", {"left": rows, "id": own, "roles": roles, **given(told)})], partnered)


def score_pairs(
    pairs: Sequence[tuple[str, str]], *, where: str | None = None, threshold: float = 0.9, explain: bool = False, **more: Any
) -> Verb[Partnered]:
    """Whether the two things of each pair are the same, in the order given, with the chance of it; `right` is told in every band.

    Refused: more pairs than one request may hold, since the chances are learned from all of them together.
    """
    if len(pairs) > PAIRS:
        raise BadInput(f"{len(pairs):,} pairs are too many for one request, {PAIRS:,} at most; ask in parts")
    told = {"where": where, "threshold": threshold, "explain": explain, **more}
    if not pairs:
        return Verb([], lambda _: Partnered([], [], None, None))
    return Verb([post("/v1/match", {"pairs": [list(pair) for pair in pairs], **given(told)})], partnered)


def items(ids: Sequence[str] | None = None, *, where: str | None = None, **more: Any) -> Verb[dict[str, Any]]:
    """Things by id, or those that a filter holds for; `more`: k, offset, fields, version."""
    return one(post("/v1/items:query", given({"ids": None if ids is None else list(ids), "where": where, **more})))


def add(items: Catalog, id_field: str) -> Verb[None]:
    own = items.id_field
    rows = ({id_field if name == own else name: _plain(name, value) for name, value in thing.items()} for thing in items)
    return Verb(bulk({"put": row} for row in rows), _nothing)


def remove(ids: Sequence[str]) -> Verb[None]:
    """Remove things, and the links from and to them; refused, with nothing removed, when an id is unknown."""
    body = b"".join(line({"delete": name}) for name in ids)
    return Verb([bulk_call(body)] if ids else [], _nothing)


def add_links(links: Links) -> Verb[None]:
    """Add what people did (or edges); the recommender learns from them at the next `compact`."""
    rows = [{name: value for name, value in row.items() if name != "text" and value is not None} for row in links.to_arrow().to_pylist()]
    parts = [rows[start : start + LINKS] for start in range(0, len(rows), LINKS)]
    return Verb([post("/v1/links", {"links": part}, once()) for part in parts], _nothing)


def _nothing(_bodies: list[Any]) -> None:
    return None


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"the field {name!r} holds {value}, which cannot be sent as JSON; leave it empty")
    return value.isoformat() if hasattr(value, "isoformat") else value
