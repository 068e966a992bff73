"""What writes do to the collection; all of these run in the writing thread, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from nearkin.collection import Collection
from nearkin.service.problems import Flaw, Problem
from nearkin.service.requests import LinkBody
from nearkin.service.things import Thing, catalog_of, flaws_of, id_flaws, merged, refuse
from nearkin.service.view import View
from nearkin.tables import Catalog, Links

PUT, PATCH, DELETE = "put", "patch", "delete"
GROUP = 10_000  # lines written in one version


@dataclass(frozen=True)
class Condition:
    """If-Match and If-None-Match, as they came."""

    match: str | None = None
    none_match: str | None = None

    def check(self, view: View, row: int) -> None:
        """Refused (412): the thing is not what the caller last saw."""
        etag = None if row < 0 else view.etag(row)
        if self.match is not None and not _matches(self.match, etag):
            raise Problem(412, "the thing has changed since, or is gone; read it again")
        if self.none_match is not None and _matches(self.none_match, etag):
            raise Problem(412, "the thing is there already")


def _matches(told: str, etag: str | None) -> bool:
    return etag is not None and (told.strip() == "*" or etag in [part.strip() for part in told.split(",")])


def named(now: View, name: str, thing: Thing) -> Thing:
    """The thing with the id of the path. Refused: one that says it is called otherwise."""
    own = now.catalog.id_field
    if thing.get(own, name) != name:
        refuse([Flaw(f"the id in the path is {name!r}; leave this one out, or make them the same", "id", f"/{own}")])
    return {**thing, own: name}


@contextmanager
def newest(shop: Collection, now: View) -> Iterator[View]:
    """The newest state, which no other process changes until this ends."""
    with shop.alone():
        yield now if now.version == shop.version else View(shop.view())


def put(shop: Collection, seen: View, name: str, thing: Thing, condition: Condition) -> bool:
    """Add or replace one thing, if the condition holds; tells whether it is new."""
    refuse(flaws_of(thing, seen.catalog))
    with newest(shop, seen) as now:
        row = now.row(name, None)
        condition.check(now, row)
        shop.add(catalog_of([thing], now.catalog))
    return row < 0


def patch(shop: Collection, seen: View, name: str, change: Thing, condition: Condition) -> bool:
    """Replace some fields of one thing."""
    own = seen.catalog.id_field
    _there(seen, name)
    if change.get(own, name) != name:
        refuse([Flaw("the id of a thing cannot be changed; add a new thing and delete this one", "id", f"/{own}")])
    refuse(flaws_of({**change, own: name}, seen.catalog))
    with newest(shop, seen) as now:
        row = _there(now, name)
        condition.check(now, row)
        shop.add(merged(change, now.catalog, row))
    return False


def delete(shop: Collection, seen: View, name: str, condition: Condition) -> None:
    """Remove one thing and its links."""
    with newest(shop, seen) as now:
        condition.check(now, _there(now, name))
        shop.remove([name])


def _there(now: View, name: str) -> int:
    row = now.row(name, None)
    if row < 0:
        raise Problem(404, f"there is no thing with the id {name[:100]!r}")
    return row


@dataclass
class Line:
    """One line of a bulk write: what it asks, and what came of it."""

    number: int
    verb: str = ""
    id: str = ""
    thing: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    flaws: list[Flaw] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        errors = {"errors": [flaw.told() for flaw in self.flaws]} if self.flaws else {}
        return {"line": self.number, "status": self.status, "id": self.id or None, **errors}


def checked(number: int, told: Any, catalog: Catalog) -> Line:
    """One parsed line as what it asks; a faulty one has a status and its flaws."""
    line = Line(number)
    if not (isinstance(told, dict) and len(told) == 1 and (verb := next(iter(told))) in (PUT, PATCH, DELETE)):
        line.flaws = [Flaw('a line is {"put": thing}, {"patch": thing} or {"delete": id}', "verb", "")]
    elif verb == DELETE:
        line.verb, line.flaws = verb, id_flaws(told[verb], "/delete")
        line.id = told[verb] if not line.flaws else ""
    else:
        found = flaws_of(told[verb], catalog)
        line.verb, line.flaws = verb, [Flaw(**{**vars(flaw), "pointer": f"/{verb}{flaw.pointer}"}) for flaw in found]
        line.thing, line.id = (told[verb], told[verb][catalog.id_field]) if not found else ({}, "")
    line.status = 422 if line.flaws else 0
    return line


def apply(shop: Collection, lines: Iterable[Line]) -> None:
    """Do what the lines without flaws ask, in their order; neighbours that ask the same are one version."""
    for group in _groups(line for line in lines if not line.status):
        if group[0].verb == DELETE:
            _remove(shop, group)
        else:
            _add(shop, group)


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Neighbours with the same verb and different ids."""
    group: list[Line] = []
    ids: set[str] = set()
    for line in lines:
        if group and (line.verb != group[0].verb or line.id in ids or len(group) == GROUP):
            yield group
            group, ids = [], set()
        group.append(line)
        ids.add(line.id)
    if group:
        yield group


def _remove(shop: Collection, group: list[Line]) -> None:
    rows = shop.catalog.rows_of([line.id for line in group], missing="mark")
    there = [line.id for line, row in zip(group, rows) if row >= 0]
    if there:
        shop.remove(there)
    for line, row in zip(group, rows):
        line.status = 200 if row >= 0 else 404


def _add(shop: Collection, group: list[Line]) -> None:
    catalog = shop.catalog
    rows = catalog.rows_of([line.id for line in group], missing="mark")
    if group[0].verb == PUT:
        shop.add(catalog_of([line.thing for line in group], catalog))
    else:
        _patch_many(shop, [(line, int(row)) for line, row in zip(group, rows) if row >= 0])
    for line, row in zip(group, rows):
        line.status = 200 if row >= 0 else 201 if line.verb == PUT else 404


def _patch_many(shop: Collection, group: list[tuple[Line, int]]) -> None:
    parts = [merged(line.thing, shop.catalog, row).table for line, row in group]
    if parts:
        shop.add(Catalog(pa.concat_tables(parts), shop.catalog.roles))


def add_links(shop: Collection, bodies: list[LinkBody], noted: Callable[[pa.Table], None] = lambda _: None) -> int:
    """Add what people did, or edges between things; `noted` is told of them before. Refused: unknown things, times for some links only."""
    edges = shop.manifest.edges
    sides = {side: [getattr(body, side) for body in bodies] for side in ("left", "right")}
    flaws = []
    for side in ("left", "right") if edges else ("right",):
        rows = shop.catalog.rows_of(sides[side], missing="mark")
        flaws += [
            Flaw(f"there is no thing with the id {sides[side][place][:100]!r}", "unknown-id", f"/links/{place}/{side}")
            for place in np.flatnonzero(rows < 0).tolist()
        ]
    times = [body.time for body in bodies]
    if None in times and any(time is not None for time in times):
        flaws.append(Flaw("either all links have a time or none", "time", f"/links/{times.index(None)}"))
    refuse(flaws)
    people = shop.catalog if edges else Catalog.of(dict.fromkeys(sides["left"]))
    links = Links.of_ids(
        people,
        shop.catalog,
        zip(sides["left"], sides["right"], strict=True),
        weight=np.array([body.weight for body in bodies], np.float32),
        time=None if None in times else np.array(times, np.int64),
        kind=_kinds(bodies),
    )
    noted(links.to_arrow())
    shop.add_links(links)
    return len(links)


def _kinds(bodies: list[LinkBody]) -> Any:
    return pa.array([body.kind for body in bodies], pa.string()) if any(body.kind for body in bodies) else None
