"""Vectors in a table of a PostgreSQL server, searched there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self
from uuid import uuid4

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.checks import check_table, checked_candidates, checked_keep
from nearkin.indexes.held_keys import digests
from nearkin.indexes.outside import OutsideIndex
from nearkin.indexes.postgres import answers, check_address, in_transaction
from nearkin.stage import fitted
from nearkin.tables import Hits, Vectors

MOST_DIM = 2_000  # of a vector that pgvector can put into a graph
LONGEST_NAME = 63 - 9  # of a table of PostgreSQL, less what `fit` appends
BLOCK = 256  # queries of one statement

_TABLE = """
CREATE TABLE {table} (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest bytea NOT NULL UNIQUE, embedding vector({dim}) NOT NULL)"""
_INCOMING = "CREATE TEMPORARY TABLE incoming (place bigint, digest bytea, embedding vector) ON COMMIT DROP"
# Those there already are left out beforehand: a conflict would use up a number, and numbers are places in a mask.
_PUT = """
INSERT INTO {table} (digest, embedding)
SELECT digest, embedding FROM (SELECT DISTINCT ON (digest) * FROM incoming ORDER BY digest, place) AS fresh
WHERE NOT EXISTS (SELECT FROM {table} AS held WHERE held.digest = fresh.digest)
ORDER BY place ON CONFLICT DO NOTHING"""
_KEYS = "SELECT key FROM incoming JOIN {table} USING (digest) ORDER BY place"
_GRAPH = "CREATE INDEX ON {table} USING hnsw (embedding vector_ip_ops) WITH (m = {links}, ef_construction = {building})"
_WALK = """
SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true)"""
_SCAN = "SELECT set_config('jit', 'off', true), set_config('enable_indexscan', 'off', true)"
_NEAREST = """
SELECT place, key, score FROM unnest(%(queries)s::vector[]) WITH ORDINALITY AS asked (query, place)
CROSS JOIN LATERAL (
    SELECT key, -(embedding <#> query) AS score FROM {table} WHERE {among} ORDER BY {order} LIMIT %(count)s) AS found"""
_IN_MASK = "CASE WHEN key < %(size)s THEN get_bit(%(mask)s::bytea, key) = 1 ELSE false END"
_IN_LIST = "key = ANY(%(keys)s::bigint[])"
_SCORES = """
SELECT pair.place, -(embedding <#> query) FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS pair (asked, key, place)
JOIN {table} USING (key) JOIN unnest(%s::vector[]) WITH ORDINALITY AS query (query, number) ON number = pair.asked"""


@dataclass(kw_only=True)
class PgVectorIndex(OutsideIndex):
    """Search by inner product inside a PostgreSQL server, over pgvector's graph (HNSW), or exact where that is the better answer.

    Vectors[q, d] -> Hits[q, min(k, n)]; scores are those of the server, and the same in a search and in `score`.
    address: as libpq reads it ("host=db dbname=shop", a URI, "service=shop"), without a password: that comes from PGPASSWORD, ~/.pgpass
    or a service file. table: how its tables begin; each `fit` makes a new one and drops the one before last, so that readers of the last
    go on. What is saved is the address, the table's name and which entry each row is.
    A filter is a mask of one bit an entry, or a list of the kept where that is shorter; the graph is walked on until k have passed it
    (`hnsw.iterative_scan`). A search is exact when at most `scan_below` items are live, when a filter and removals leave less than a
    tenth of them, and for each query whose walk ends with fewer than k. So k hits are found whenever k items are kept.
    Cost: a statement a block of queries; an eighth of a byte an entry sent with each. `add` sends what the table does not hold; `remove`
    marks here, and fitting the live items again (`Collection.compact`) leaves removed ones behind.
    Refused: another dim, one above 2,000, an address with a password, pgvector below 0.8. Needs the extra `pgvector`.
    Source: https://github.com/pgvector/pgvector, 0.8.
    """

    links: int = 16  # edges an item and layer
    building: int = 64  # candidates looked at while inserting; pgvector's own default
    window: int = 100  # candidates a step of the walk keeps; more finds more and takes longer
    scan_below: int = 10_000

    def __post_init__(self) -> None:
        check_address(self.address)
        if not self.table or "\0" in self.table or len(self.table.encode()) > LONGEST_NAME:
            raise BadInput(f"table is the beginning of a table's name, 1 to {LONGEST_NAME} bytes; got {self.table!r}")
        if not (2 <= self.links <= 100 and 2 * self.links <= self.building <= 1000 and 1 <= self.window <= 1000):
            told = f"{self.links}, {self.building}, {self.window}"
            raise BadInput(f"expected links of 2 to 100, building of 2 * links to 1000 and window of 1 to 1000; got {told}")

    def fit(self, items: Vectors) -> Self:
        check_table(self, items, Vectors)
        if not 0 < items.dim <= MOST_DIM:
            raise BadInput(f"pgvector takes 1 to {MOST_DIM} numbers a vector, got {items.dim}; project them first")
        table = f"{self.table}_{uuid4().hex[:8]}"

        def work(cursor: Any) -> np.ndarray:
            cursor.execute(_sql(_TABLE, table, dim=items.dim))
            keys = _put(cursor, table, items.rows)
            cursor.execute(_sql(_GRAPH, table, links=self.links, building=self.building))
            if self.before_ is not None:
                cursor.execute(_sql("DROP TABLE IF EXISTS {table}", self.before_))
            return keys

        return self._begin(table, items, in_transaction(self.address, work))

    def _send(self, rows: np.ndarray) -> np.ndarray:
        return in_transaction(self.address, lambda cursor: _put(cursor, self.table_, rows))

    def drop(self) -> None:
        """Remove the tables of this index from the database; nothing can be asked of it, or of what it was added to, any more."""
        names = [name for name in (fitted(self).table_, self.before_) if name is not None]
        in_transaction(self.address, lambda cursor: [cursor.execute(_sql("DROP TABLE IF EXISTS {table}", name)) for name in names])

    def __call__(self, queries: Vectors, *, keep: np.ndarray | None = None) -> Hits:
        rows, live = self._asked(queries), fitted(self).held_.live(checked_keep(keep, len(self)))
        count = int(np.count_nonzero(live))
        k, exact = min(self.k, len(self)), count <= max(self.scan_below, self.k, len(self) // 10)
        found = self._nearest(rows, live, k, exact=exact)
        short = [] if exact else [place for place, (keys, _) in enumerate(found) if len(keys) < k]
        for place, again in zip(short, self._nearest(rows[short], live, k, exact=True)):
            found[place] = again
        for place in np.flatnonzero(~rows.any(1)):
            keys = self.held_.first(live, k)
            found[place] = keys, np.zeros(len(keys), np.float32)
        return self.held_.hits(found, live, k, queries.things, self.things_)

    def score(self, queries: Vectors, rows: np.ndarray) -> np.ndarray:
        asked = self._asked(queries)
        rows = checked_candidates(rows, len(queries), len(self))
        scores, there = np.full(rows.shape, -np.inf, np.float32), np.nonzero(rows >= 0)
        if len(there[0]):
            pairs = (there[0] + 1).tolist(), self.held_.keys[rows[there]].tolist()
            statement = _sql(_SCORES, self.table_)
            told = answers(self.address, None, [(statement, (*pairs, list(asked)))])
            places, values = _columns(told[0], 2)
            scores[tuple(axis[places.astype(np.int64) - 1] for axis in there)] = values
        return scores

    def _nearest(self, queries: np.ndarray, live: np.ndarray, k: int, *, exact: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        """Keys and scores of about the k nearest live entries of each query."""
        if not (k and len(queries) and live.any()):
            return [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries)
        among, told = _among(self.held_.keys[live])
        order = "embedding <#> query" + (", key" if exact else "")
        statement = _sql(_NEAREST, self.table_, among=among, order=order)
        told["count"] = k if exact else k + max(10, k // 4)  # a walk comes back in nearly the right order
        settings = (_SCAN, None) if exact else (_WALK, (str(min(1000, max(self.window, told["count"]))),))
        blocks = [queries[start : start + BLOCK] for start in range(0, len(queries), BLOCK)]
        found = answers(self.address, settings, [(statement, {**told, "queries": list(block)}) for block in blocks])
        return [pair for lines, block in zip(found, blocks) for pair in _by_query(lines, len(block))]


def _sql(text: str, table: str | None, **numbers: Any) -> Any:
    """A statement with the table's name quoted; the other words come from this file, numbers from checked settings."""
    from psycopg import sql

    return sql.SQL(text).format(table=sql.Identifier(table or ""), **{name: sql.SQL(str(value)) for name, value in numbers.items()})


def _put(cursor: Any, table: str | None, rows: np.ndarray) -> np.ndarray:
    """Send what the table does not hold yet; the keys of all these rows, int64 [n]."""
    rows = np.ascontiguousarray(rows, np.float32)
    cursor.execute(_INCOMING)
    with cursor.copy("COPY incoming (place, digest, embedding) FROM STDIN (FORMAT BINARY)") as copying:
        copying.set_types(["int8", "bytea", "vector"])
        for place, (name, row) in enumerate(zip(digests(rows, 16), rows)):
            copying.write_row((place, name, row))
    cursor.execute(_sql(_PUT, table))
    keys = cursor.execute(_sql(_KEYS, table)).fetchall()
    cursor.execute("DROP TABLE incoming")
    return np.array(keys, np.int64).reshape(-1)


def _among(keys: np.ndarray) -> tuple[str, dict[str, Any]]:
    """The condition that holds for these entries: a list of 8 bytes each, or a mask of one bit for all, whichever is shorter."""
    size = int(keys.max()) + 1
    if 64 * len(keys) < size:
        return _IN_LIST, {"keys": keys.tolist()}
    bits = np.zeros(size, np.bool_)
    bits[keys] = True
    return _IN_MASK, {"mask": np.packbits(bits, bitorder="little").tobytes(), "size": size}


def _by_query(lines: list[tuple[Any, ...]], count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lines of (place of the query from 1, key, score) as keys and scores of each query."""
    places, keys, scores = _columns(lines, 3)
    order = np.argsort(places, kind="stable")
    edges = np.searchsorted(places[order], np.arange(1, count + 2))
    parts = [order[start:end] for start, end in pairwise(edges)]
    return [(keys[part].astype(np.int64), scores[part].astype(np.float32)) for part in parts]


def _columns(lines: list[tuple[Any, ...]], width: int) -> list[np.ndarray]:
    """The columns of an answer, float64: keys below 2^53 stay what they are."""
    table = np.array(lines, np.float64).reshape(-1, width)
    return [table[:, column] for column in range(width)]
