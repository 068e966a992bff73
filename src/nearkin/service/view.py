"""A collection at one version, with what answers to many people need again and again."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from hashlib import blake2b
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from nearkin.collection import Collection
from nearkin.collection.texts import TEXT
from nearkin.service.facets import Values, can_be_counted
from nearkin.service.filtering import mask
from nearkin.service.problems import unknown
from nearkin.service.together import Together
from nearkin.service.where import Tree, both, parse
from nearkin.tables import Catalog, Hits

T = TypeVar("T")
ALL = "all"  # the name of the fusion of all stages
HELD = 32  # masks kept


class View:
    """Never changes; read by many threads at once."""

    def __init__(self, shop: Collection, lanes: int = 1) -> None:
        self.shop, self.catalog, self.version = shop, shop.catalog, shop.version
        self._together = Together(lanes)
        self.recommends = False  # whether anyone asked it to; the next view then is made ready to
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The fields and what they hold."""
        return {field.name: field.type for field in self.catalog.table.schema}

    @cached_property
    def countable(self) -> list[str]:
        """The fields whose values can be counted, and colour a map."""
        return [name for name, kind in self.types.items() if can_be_counted(kind, self.catalog.roles[name])]

    @property
    def index_bytes(self) -> dict[str, int]:
        """The size of each stage on disk."""
        folders = {name: self.shop.place / "stages" / folder for name, folder in self.shop.manifest.stages.items()}
        return {name: sum(file.stat().st_size for file in folder.rglob("*")) for name, folder in folders.items()}

    @cached_property
    def unindexed(self) -> int:
        """Things that came after a search stage was fitted, for the stage that lacks most; a stage is named after the version it knows."""
        known = min(int(self.shop.manifest.stages[name].split("-")[-2]) for name in self.shop.manifest.search)
        return len(self.catalog) - bisect_right(range(len(self.catalog)), known, key=self.shop.written_at)  # they stand in order of writing

    @property
    def stages(self) -> list[str]:
        """The stages that can be asked, and `all`, their fusion."""
        return [*self.shop.manifest.search, ALL]

    def stage(self, name: str | None, pointer: str = "/stage") -> str | None:
        """The stage as the collection calls it: None for the fusion."""
        if name is not None and name not in self.stages:
            raise unknown("stage", name, self.stages, pointer)
        return None if name == ALL or name is None else name

    def keep(self, where: str | None, baked: str | None = None) -> np.ndarray | None:
        """bool [n]: the rows that a filter allows, and with it the one baked into a key; None where there is neither."""
        own = None if where is None or not where.strip() else parse(where, self.types)
        tree = both(own, None if baked is None else parse(baked, self.types))
        return None if tree is None else self.held(("keep", tree), lambda: self._mask(tree))

    def ranked(self, queries: Catalog, k: int, keep: np.ndarray | None, stage: str | None) -> Hits:
        """As `Collection.ranked`; single queries that wait at the same time for the same k, rows and stage are ranked in one go."""
        if len(queries) > 1:
            return self.shop.ranked(queries, k=k, keep=keep, stage=stage)

        def work(waiting: list[Catalog]) -> list[Hits]:
            table = waiting[0] if len(waiting) == 1 else Catalog.of(**{TEXT: [text for each in waiting for text in each[TEXT]]})
            found = self.shop.ranked(table, k=k, keep=keep, stage=stage)
            return [Hits.ordered(found.rows[n : n + 1], found.scores[n : n + 1], each, found.items) for n, each in enumerate(waiting)]

        return self._together((k, id(keep), stage), queries, work)

    def _mask(self, tree: Tree) -> np.ndarray:
        found = mask(tree, self.catalog.table)
        found.setflags(write=False)
        return found

    def values(self, field: str) -> Values:
        """The values of a field, ready to be counted."""
        return self.held(("values", field), lambda: Values.of(self.catalog.column(field)))

    def held(self, name: Hashable, make: Callable[[], T]) -> T:
        """What was made under this name before, or is made now; the ones not asked for longest are forgotten."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]  # type: ignore[no-any-return]
        made = make()
        with self._lock:
            self._held[name] = made
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        return made

    def row(self, item: str, keep: np.ndarray | None) -> int:
        """Where a thing stands, -1 where there is none or it may not be seen."""
        row = int(self.catalog.rows_of([item], missing="mark")[0])
        return row if row < 0 or keep is None or keep[row] else -1

    def things(self, rows: Sequence[int] | np.ndarray, fields: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The things at these rows, ready for JSON; their ids always come first."""
        for place, name in enumerate(fields or ()):
            if name not in self.types:
                raise unknown("field", name, self.types, f"/fields/{place}")
        found = self.catalog.taken(rows)
        if fields is not None:
            found = found.select(list(dict.fromkeys([self.catalog.id_field, *fields])))
        return [{name: plain(value) for name, value in thing.items()} for thing in found.to_pylist()]

    def etag(self, row: int) -> str:
        """Changes when the thing does: the version that wrote it, and a hash of what it holds."""
        thing = self.things([row])[0]
        digest = blake2b(repr(sorted(thing.items())).encode("utf-8", "replace"), digest_size=8).hexdigest()
        return f'"{self.shop.written_at(row)}-{digest}"'


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers that are none become null, moments ISO texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return value.hex() if isinstance(value, bytes) else value.isoformat() if hasattr(value, "isoformat") else str(value)
