"""What an index inside another store promises beyond the contract: names, secrets, shared tables, filters over a graph."""

import numpy as np
import pytest

from nearkin.errors import BadInput, Busy
from nearkin.indexes import milvus as milvus_file
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.held_keys import HeldKeys
from nearkin.indexes.milvus import MilvusIndex
from nearkin.indexes.milvus_server import connected
from nearkin.indexes.pgvector import PgVectorIndex
from nearkin.indexes.postgres import in_transaction
from nearkin.stage import Stage
from nearkin.tables import Vectors
from tests import stores

N, Q, DIM = 1500, 20, 24


def made(count, seed=0):
    return Vectors(np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32))


def asked(statement, *told):
    return in_transaction(stores.postgres(), lambda cursor: cursor.execute(statement, told).fetchall())


def recalled(found, exact):
    return np.mean([len(set(line) & set(best)) / len(best) for line, best in zip(found.rows, exact.rows)])


@pytest.fixture(scope="module")
def walked():
    """An index that walks its graph, under a name that only quoting keeps whole."""
    return PgVectorIndex(address=stores.postgres(), table='the "shop"; --', k=10, scan_below=0).fit(made(N))


@pytest.fixture(scope="module")
def lite():
    return MilvusIndex(address=stores.milvus(), table="lite", k=10).fit(made(N))


def test_the_server_is_the_one_we_say():
    assert asked("SELECT current_setting('server_version_num')::int / 10000") == [(18,)]
    assert asked("SELECT extversion FROM pg_extension WHERE extname = 'vector'")[0][0].startswith("0.8.")


@pytest.mark.parametrize("share", [1.0, 0.5, 0.15, 0.12])
def test_a_walk_goes_on_until_k_have_passed_the_filter(walked, share):
    keep = np.random.default_rng(5).random(N) < share
    found, exact = walked(made(Q, 1), keep=keep), FlatIndex(k=10).fit(made(N))(made(Q, 1), keep=keep)
    assert (found.rows >= 0).all()
    assert keep[found.rows].all()
    assert recalled(found, exact) >= 0.95


def test_the_walk_is_over_the_graph_and_the_scan_is_not(walked):
    from nearkin.indexes import pgvector

    def plan(settings, told, order):
        names = {"among": pgvector._IN_MASK, "order": order}
        statement = pgvector._sql("EXPLAIN " + pgvector._NEAREST, walked.table_, **names)

        def work(cursor):
            cursor.execute(settings, told)
            mask = {"mask": bytes([255] * 200), "size": N, "queries": list(made(1).rows), "count": 10}
            return "\n".join(line for (line,) in cursor.execute(statement, mask).fetchall())

        return in_transaction(walked.address, work)

    assert "embedding_idx" in plan(pgvector._WALK, ("100",), "embedding <#> query")
    assert "Seq Scan" in plan(pgvector._SCAN, None, "embedding <#> query, key")


def test_a_few_kept_are_named_and_many_are_masked():
    from nearkin.indexes.pgvector import _among

    assert _among(np.array([7, 90_000]))[1] == {"keys": [7, 90_000]}
    told = _among(np.arange(0, 1000, 3))[1]
    bits = np.unpackbits(np.frombuffer(told["mask"], np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == list(range(0, 1000, 3))
    assert told["size"] == 1000


def test_what_several_add_is_held_once(walked):
    count = f'SELECT count(*), max(key) FROM "{walked.table_.replace(chr(34), chr(34) * 2)}"'
    first = walked.add(made(7, 8))
    before = asked(count)
    again = walked.add(made(7, 8))
    twice = again.add(made(7, 8))
    assert asked(count) == before
    np.testing.assert_array_equal(first(made(Q, 1)).rows, again(made(Q, 1)).rows)
    assert again(made(7, 8)).rows[:, 0].tolist() == list(range(N, N + 7))
    assert twice(made(7, 8)).rows[:, :2].tolist() == [[N + row, N + 7 + row] for row in range(7)]


def test_to_a_query_of_zeros_all_are_alike(walked, lite):
    nothing, keep = Vectors(np.zeros((1, DIM), np.float32)), np.arange(N) % 3 == 0
    for index in (walked, lite):
        assert index(nothing, keep=keep).rows[0].tolist() == list(range(0, 30, 3))


def test_a_later_fit_drops_the_table_before_last(tmp_path):
    index = PgVectorIndex(address=stores.postgres(), table="turns", k=3).fit(made(20))
    index.save(tmp_path / "index")
    names = [index.table_]
    for seed in (1, 2):
        index = Stage.load(tmp_path / "index") if seed == 1 else index
        names.append(index.fit(made(20, seed)).table_)
    there = {name for (name,) in asked("SELECT relname FROM pg_class WHERE relname LIKE 'turns_%%' AND relkind = 'r'")}
    assert there == set(names[1:])
    with pytest.raises(BadInput, match="fit the index again"):
        Stage.load(tmp_path / "index")(made(1))
    index.drop()
    assert not asked("SELECT 1 FROM pg_class WHERE relname LIKE 'turns_%%' AND relkind = 'r'")


def test_a_fit_that_fails_leaves_no_table():
    index = PgVectorIndex(address=stores.postgres(), table="broken", k=3)
    with pytest.raises(BadInput, match="2000 numbers"):
        index.fit(Vectors(np.zeros((2, 2001), np.float32)))
    assert not asked("SELECT 1 FROM pg_class WHERE relname LIKE 'broken_%%'")


def test_passwords_and_bad_names_are_refused():
    for address in ("host=db password=secret", "postgresql://ann:secret@db/shop"):
        with pytest.raises(BadInput, match="PGPASSWORD") as refused:
            PgVectorIndex(address=address, table="t")
        assert "secret" not in str(refused.value)
    with pytest.raises(BadInput, match="no address"):
        PgVectorIndex(address="=", table="t")
    with pytest.raises(BadInput, match="1 to 54 bytes"):
        PgVectorIndex(address="host=db", table="é" * 30)
    with pytest.raises(BadInput, match="MILVUS_TOKEN") as refused:
        MilvusIndex(address="http://ann:secret@db:19530", table="t")
    assert "secret" not in str(refused.value)
    with pytest.raises(BadInput, match="letters, digits"):
        MilvusIndex(address="http://db:19530", table="a-b")


def test_what_is_saved_is_the_address_and_the_name(walked, tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "hush-hush")
    walked.save(tmp_path / "index")
    told = b"".join(path.read_bytes() for path in sorted((tmp_path / "index").iterdir()))
    assert walked.table_.replace('"', '\\"').encode() in told
    assert b"hush-hush" not in told
    assert len(told) < 12 * N  # keys and marks, no vectors


def test_a_server_that_hung_up_is_dialled_again_and_one_that_is_not_there_is_told(walked):
    before = walked(made(Q, 1))
    asked("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nearkin' AND pid <> pg_backend_pid()")
    np.testing.assert_array_equal(walked(made(Q, 1)).rows, before.rows)
    with pytest.raises(Busy, match="does not answer"):
        PgVectorIndex(address="host=/nowhere dbname=shop", table="t").fit(made(3))
    with pytest.raises(Busy, match="does not answer"):
        MilvusIndex(address="http://127.0.0.1:9", table="t").fit(made(3))


@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.05])
def test_milvus_gives_k_for_filters_of_any_width(lite, share, monkeypatch):
    monkeypatch.setattr(milvus_file, "KEYS", 200)
    keep = np.random.default_rng(5).random(N) < share
    queries = made(4, 1)
    found, exact = lite(queries, keep=keep), FlatIndex(k=10).fit(made(N))(queries, keep=keep)
    assert (found.rows >= 0).all()
    assert keep[found.rows].all()
    assert recalled(found, exact) >= 0.95


def test_milvus_holds_once_what_several_add_and_drops_the_collection_before_last(lite, tmp_path):
    client = connected(stores.milvus())
    index = MilvusIndex(address=stores.milvus(), table="turns", k=3).fit(made(20))
    first, second = index.add(made(3, 4)), index.add(made(3, 4))
    assert client.query(index.table_, filter="", output_fields=["count(*)"])[0]["count(*)"] == 23
    assert first(made(3, 4)).rows.tolist() == second(made(3, 4)).rows.tolist()
    index.save(tmp_path / "index")
    index.fit(made(5, 1)).fit(made(5, 2))
    assert sorted(name for name in client.list_collections() if name.startswith("turns_")) == sorted([index.table_, index.before_])
    with pytest.raises(BadInput, match="fit the index again"):
        Stage.load(tmp_path / "index")(made(1))
    index.drop()
    assert not [name for name in client.list_collections() if name.startswith("turns_")]


def test_rows_of_equal_vectors_share_a_key():
    held = HeldKeys.of(np.array([5, 9, 5, 7])).without(np.array([2])).followed_by(np.array([5]))
    rows, places = held.rows_of(np.array([5, 8, 7]))
    assert rows.tolist() == [0, 2, 4, 3]
    assert places.tolist() == [0, 0, 0, 2]
    hits = held.hits([(np.array([7, 5]), np.array([3.0, 2.0], np.float32))], held.live(None), 5, None, None)
    assert hits.rows.tolist() == [[3, 0, 4, -1, -1]]
