"""Vectors in a collection of a Milvus server, or of a local Milvus Lite file, searched there."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_table, checked_candidates, checked_keep
from nearkin.indexes.flat_scan import products
from nearkin.indexes.held_keys import digests
from nearkin.indexes.milvus_server import connected, load_pymilvus, told
from nearkin.indexes.outside import OutsideIndex
from nearkin.stage import fitted
from nearkin.tables import Hits, Vectors

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
MOST_HITS = 16_384  # that Milvus gives for one query
KEYS = 8_192  # named in one filter
FLOATS = 1 << 21  # sent or asked for at once
BLOCK = 64  # queries of one call


@dataclass(kw_only=True)
class MilvusIndex(OutsideIndex):
    """Search by inner product inside Milvus, over its graph (HNSW).

    Vectors[q, d] -> Hits[q, min(k, n)]; Milvus chooses the entries, their scores are made here from the vectors that it holds, exact.
    address: "http://host:19530", or a path that ends in .db for Milvus Lite (of which one process at a time holds the file); without a
    password: a token comes from MILVUS_TOKEN. table: how its collections begin; each `fit` makes a new one and drops the one before last,
    so that readers of the last go on. What is saved is the address, the collection's name and which entry each row is.
    A filter names the kept entries or the others, whichever are fewer, or, where both are many, is tried on twice as many hits of a plain
    search. A query that then has fewer than k is asked again among all kept, some thousands at a time. So k hits are found whenever k
    items are kept. Entries are named by 63 bits of a digest: two vectors of a million share a name with a chance of 1 in 10 million, and
    such items are refused.
    Cost: a call a block of queries, and one for the vectors of the hits. `add` sends what is not there; `remove` marks here, and fitting
    the live items again (`Collection.compact`) leaves removed ones behind.
    Refused: another dim, k above 8,192, an address with a password. Needs the extra `milvus`.
    """

    links: int = 16
    building: int = 100
    window: int = 100

    def __post_init__(self) -> None:
        load_pymilvus()
        if urlsplit(self.address).password or urlsplit(self.address).username:
            raise BadInput("leave user and password out of the address, which is saved with the index; put them into MILVUS_TOKEN")
        if not NAME.fullmatch(self.table):
            raise BadInput(f"table is the beginning of a collection's name: letters, digits and _, 1 to 200; got {self.table!r}")
        if not 0 <= self.k <= MOST_HITS // 2:
            raise BadInput(f"Milvus gives {MOST_HITS} hits a query at most, so k is at most {MOST_HITS // 2}; got {self.k}")

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        if items.dim < 1:
            raise BadInput("Milvus needs vectors of one number at least")
        name = f"{self.table}_{uuid4().hex[:8]}"
        with told():
            client = connected(self.address)
            try:
                client.create_collection(name, schema=_schema(items.dim), index_params=self._graph(client), consistency_level="Strong")
                keys = _put(client, name, items.rows, np.empty(0, np.int64))
            except BaseException:
                with suppress(Exception):
                    client.drop_collection(name)
                raise
            if self.before_ is not None:
                client.drop_collection(self.before_)
        return self._begin(name, items, keys)

    def _send(self, rows: np.ndarray) -> np.ndarray:
        with told():
            return _put(self._opened(), self.table_, rows, self.held_.keys)

    def drop(self) -> None:
        """Remove the collections of this index from Milvus; nothing can be asked of it, or of what it was added to, any more."""
        with told():
            for name in (fitted(self).table_, self.before_):
                if name is not None:
                    connected(self.address).drop_collection(name)

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        rows, live, k = self._asked(queries), fitted(self).held_.live(checked_keep(keep, len(self))), min(self.k, len(self))
        kept = np.unique(self.held_.keys[live])
        with told():
            found = self._nearest(rows, kept, k) if k and len(kept) and len(rows) else [np.empty(0, np.int64)] * len(rows)
            for place in np.flatnonzero(~rows.any(1)):
                found[place] = self.held_.first(live, k)
            held = self._vectors(np.unique(np.concatenate([np.empty(0, np.int64), *found])))
        scored = [(keys, held.scores(keys, query)) for keys, query in zip(found, rows)]
        return self.held_.hits(scored, live, k, queries.things, self.things_)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        asked = self._asked(queries)
        rows = checked_candidates(rows, len(queries), len(self))
        scores, there = np.full(rows.shape, -np.inf, np.float32), rows >= 0
        with told():
            held = self._vectors(np.unique(self.held_.keys[rows[there]]))
        for line, wanted, known, query in zip(scores, rows, there, asked):
            line[known] = held.scores(self.held_.keys[wanted[known]], query)
        return scores

    def _nearest(self, queries: np.ndarray, kept: np.ndarray, k: int) -> list[np.ndarray]:
        """The keys of the k nearest kept entries of each query, and maybe of more."""
        wanted, others = min(k, len(kept)), np.setdiff1d(self.held_.keys, kept)
        if len(kept) <= KEYS:
            return self._search(queries, wanted, f"key in {kept.tolist()}")
        filtered = len(others) <= KEYS
        without = f"key not in {others.tolist()}" if filtered and len(others) else ""
        found = [keys[np.isin(keys, kept)] for keys in self._search(queries, wanted if filtered else 2 * wanted, without)]
        short = [place for place, keys in enumerate(found) if len(keys) < wanted]
        for place, again in zip(short, self._among(queries[short], kept, wanted)):
            found[place] = again
        return found

    def _among(self, queries: np.ndarray, kept: np.ndarray, count: int) -> list[np.ndarray]:
        """The same, asked of a part of the kept at a time."""
        found = [[np.empty(0, np.int64)] for _ in queries]
        for start in range(0, len(kept) if len(queries) else 0, KEYS):
            for parts, keys in zip(found, self._search(queries, count, f"key in {kept[start : start + KEYS].tolist()}")):
                parts.append(keys)
        return [np.concatenate(parts) for parts in found]

    def _search(self, queries: np.ndarray, count: int, among: str) -> list[np.ndarray]:
        """The keys of the nearest entries for which the condition holds."""
        client, settings = self._opened(), {"metric_type": "IP", "params": {"ef": max(self.window, count)}}
        found: list[np.ndarray] = []
        for start in range(0, len(queries), BLOCK):
            hits = client.search(
                self.table_, data=list(queries[start : start + BLOCK]), anns_field="embedding", limit=count, filter=among,
                search_params=settings, output_fields=["key"],
            )  # fmt: skip
            found += [np.array([hit["key"] for hit in line], np.int64) for line in hits]
        return found

    def _vectors(self, keys: np.ndarray) -> _Fetched:
        """The vectors under these keys, which rise."""
        rows, step = np.empty((len(keys), self.dim_ or 0), np.float32), max(1, min(KEYS, FLOATS // (self.dim_ or 1)))
        for start in range(0, len(keys), step):
            lines = self._opened().get(self.table_, ids=keys[start : start + step].tolist(), output_fields=["key", "embedding"])
            if len(lines) < len(keys[start : start + step]):
                raise BadInput(f"the Milvus collection {self.table_} lacks vectors of this index; fit the index again")
            places = np.searchsorted(keys, [line["key"] for line in lines])
            rows[places] = [line["embedding"] for line in lines]
        return _Fetched(keys, rows)

    def _opened(self) -> Any:
        """The client, with the collection in the server's memory."""
        client, name = connected(self.address), fitted(self).table_
        loaded = client.__dict__.setdefault("nearkin_loaded", set())
        if name not in loaded:
            client.load_collection(name)
            loaded.add(name)
        return client

    def _graph(self, client: Any) -> Any:
        params = client.prepare_index_params()
        settings = {"M": self.links, "efConstruction": self.building}
        params.add_index("embedding", index_type="HNSW", metric_type="IP", params=settings)
        return params


@dataclass(frozen=True)
class _Fetched:
    """Vectors that came from the store, by rising key."""

    keys: np.ndarray
    rows: np.ndarray

    def scores(self, keys: np.ndarray, query: np.ndarray) -> np.ndarray:
        return np.asarray(products(np.ascontiguousarray(self.rows[np.searchsorted(self.keys, keys)]), query))


def _schema(dim: int) -> Any:
    pymilvus = load_pymilvus()
    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("embedding", pymilvus.DataType.FLOAT_VECTOR, dim=dim)
    return schema


def _put(client: Any, name: str | None, rows: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Send what the index does not hold yet; the keys of all these rows, int64 [n]."""
    rows = np.ascontiguousarray(rows, np.float32)
    keys = np.frombuffer(b"".join(digests(rows, 8)), "<i8").astype(np.int64) & np.int64(2**63 - 1)
    _, first, owner = np.unique(keys, return_index=True, return_inverse=True)
    if not np.array_equal(rows[first[owner]], rows):
        raise BadInput("two different vectors have the same name of 63 bits, which is next to impossible; add any noise to one of them")
    fresh = first[~np.isin(keys[first], held)]
    step = max(1, FLOATS // rows.shape[1])
    for start in range(0, len(fresh), step):
        client.upsert(name, [{"key": int(keys[row]), "embedding": rows[row]} for row in fresh[start : start + step]])
    return keys
