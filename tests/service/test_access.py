"""Who may do what: keys with scopes and filters, and, without keys, this machine alone."""

from __future__ import annotations

import json
import logging
import time

import httpx2
import pytest

from nearkin.errors import BadInput
from nearkin.service.access import is_loopback, local
from nearkin.service.app import create_app
from nearkin.service.keys import Keys
from nearkin.service.problems import Problem
from nearkin.service.state import State
from tests.service.conftest import served


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def keys(place):
    state = State(place)
    found = Keys(state)
    made = {
        "read": found.add(["read"], name="page"),
        "write": found.add(["read", "write"]),
        "admin": found.add(["read", "write", "admin"]),
        "music": found.add(["read"], where="kind = 'music'"),
        "over": found.add(["read"], days=-1),
    }
    yield made
    state.close()


@pytest.fixture(scope="module")
def locked(place, keys):
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client


def test_with_keys_nothing_is_told_without_one_but_health(locked, keys):
    for path in ("/version", "/v1/search?q=x", "/v1/openapi.json", "/metrics", "/nowhere"):
        answer = locked.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert locked.get("/health/live").status_code == locked.get("/health/ready").status_code == 200
    name_id, secret = keys["read"].split("_", 2)[1:]
    for wrong in ("nk", "nk_x_y", f"nk_{name_id}_{secret[:-1]}", f"nk_{name_id}_", keys["over"], "Basic abc", "\u00e9", "nk_a_"):
        assert locked.get("/version", headers={"Authorization": f"Bearer {wrong}".encode("latin-1")}).status_code == 401
    assert locked.get("/version", headers={"Host": "shop.example", **bearer(keys["read"])}).status_code == 200


def test_scopes_bound_what_a_key_may_do(locked, keys):
    def put(key):
        return locked.put("/v1/items/k1", json={"title": "kestrel"}, headers=bearer(keys[key])).status_code

    assert [put("read"), put("music"), put("write"), put("admin")] == [403, 403, 201, 200]
    assert locked.get("/metrics", headers=bearer(keys["write"])).status_code == 403
    assert locked.get("/metrics", headers=bearer(keys["admin"])).status_code == 200
    assert locked.put("/v1/items/k1", content=b"{", headers=bearer(keys["read"])).status_code == 403


def test_a_key_with_a_filter_sees_nothing_else(locked, keys):
    def post(path, **body):
        return locked.post(path, json=body, headers=bearer(keys["music"]))

    answer = post("/v1/search", queries=["shoe hat guitar"], k=50, facets=["kind"], where="price > 0 OR price < 1").json()
    assert {hit["fields"]["kind"] for hit in answer["hits"][0]} == {"music"}
    assert answer["total"]["filter"] == 3
    assert [entry["value"] for entry in answer["facets"]["kind"]] == ["music"]
    assert post("/v1/search", queries=["x"], where="price > 0) OR (price < 1").status_code == 422
    assert post("/v1/similar", ids=["shoe"]).json()["errors"][0]["code"] == "unknown-id"
    assert {hit["fields"]["kind"] for hit in post("/v1/recommend", after=["guitar"], k=50).json()["hits"][0]} <= {"music"}
    assert post("/v1/recommend", after=["shoe"]).json()["warnings"]
    assert post("/v1/explain", query="shoe", id="shoe").status_code == 422
    assert post("/v1/items:query", ids=["shoe", "guitar"]).json()["missing"] == ["shoe"]
    assert locked.get("/v1/items/shoe", headers=bearer(keys["music"])).status_code == 404
    assert locked.get("/v1/items/guitar", headers=bearer(keys["music"])).status_code == 200
    assert locked.get("/v1/info", headers=bearer(keys["music"])).json()["things"] == 3


def test_no_secret_and_no_query_stands_in_the_log(locked, keys, caplog):
    with caplog.at_level(logging.INFO, "nearkin.service"):
        locked.get("/v1/search?q=hushhush", headers={**bearer(keys["read"]), "X-Request-Id": "find-me"})
        locked.get("/version", headers=bearer("nk_abc_veryveryhidden"))
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "nearkin.service"]
    told = next(line for line in lines if line["request_id"] == "find-me")
    assert (told["key"], told["route"], told["status"], told["k"]) == (keys["read"].split("_")[1], "/v1/search", 200, 10)
    assert told["ms"] > 0
    for secret in ("hushhush", "veryveryhidden", keys["read"].split("_", 2)[2]):
        assert secret not in caplog.text


def test_keys_are_kept_as_hashes_and_can_be_taken_back(place, keys, tmp_path):
    state = State(tmp_path)
    some = Keys(state)
    token = some.add(["write", "read"], name="mine", days=1)
    assert not [path for path in (tmp_path / ".service").iterdir() if token.split("_", 2)[2].encode() in path.read_bytes()]
    (listed,) = some.listed()
    assert (listed["name"], listed["scopes"]) == ("mine", "read,write")
    assert some.who({"authorization": f"Bearer {token}"}, "10.0.0.1").scopes == {"read", "write"}
    assert some.listed()[0]["used"] == pytest.approx(time.time(), abs=5)
    some.remove(listed["id"])
    with pytest.raises(Problem, match="not known"):
        some.who({"authorization": f"Bearer {token}"}, "127.0.0.1")
    with pytest.raises(BadInput, match="only read"):
        some.add(["read", "write"], where="price > 3")
    with pytest.raises(BadInput, match="scopes"):
        some.add(["root"])
    with pytest.raises(BadInput, match="no key"):
        some.remove("nobody")
    state.close()


@pytest.mark.parametrize(
    ("host", "origin", "client", "status"),
    [
        ("localhost:8000", None, "127.0.0.1", None),
        ("[::1]:8000", "http://localhost:3000", "::1", None),
        ("evil.example", None, "127.0.0.1", 403),
        ("", None, "127.0.0.1", 403),
        ("localhost", "https://evil.example", "127.0.0.1", 403),
        ("localhost", "null", "127.0.0.1", 403),
        ("localhost.evil.example", None, "127.0.0.1", 403),
        ("localhost", None, "192.168.0.7", 401),
    ],
)
def test_without_keys_only_this_machine_is_answered(host, origin, client, status):
    headers = {"host": host} | ({"origin": origin} if origin else {})
    if status is None:
        assert local(headers, client).scopes == {"read", "write", "admin"}
    else:
        with pytest.raises(Problem) as refused:
            local(headers, client)
        assert refused.value.status == status


def test_loopback_is_known_by_address():
    assert is_loopback("127.0.0.53")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("::")
