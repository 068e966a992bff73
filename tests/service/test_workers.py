"""One process writes and others answer: what any of them was told, all of them show."""

from __future__ import annotations

import sqlite3
import time

import httpx2
import pytest

from nearkin.collection import Collection
from nearkin.service.access import Access
from nearkin.service.keys import Keys
from nearkin.service.problems import Problem
from nearkin.service.state import State
from tests.service.conftest import Crew, shop_of


@pytest.fixture(scope="module")
def crew(tmp_path_factory):
    place = tmp_path_factory.mktemp("workers") / "shop"
    shop_of(place)
    with Crew.of(place) as crew:
        yield crew


@pytest.fixture(scope="module")
def both(crew):
    """A client of each worker."""
    clients = [httpx2.Client(base_url=address, timeout=30, trust_env=False) for address in crew.addresses]
    yield clients
    for client in clients:
        client.close()


def until(true, wait_s=30.0):
    stop = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < stop, "it did not come about"
        time.sleep(0.02)


def test_what_one_was_told_the_other_shows_from_that_moment(both):
    for number in range(12):
        asked, other = both[number % 2], both[1 - number % 2]
        answer = asked.put(f"/v1/items/egret{number}", json={"title": f"egret number {number}"})
        assert answer.status_code == 201, answer.text
        assert other.get(f"/v1/items/egret{number}").json()["version"] >= answer.json()["version"]
        found = other.post("/v1/search", json={"queries": [f"egret {number}"], "k": 50}).json()["hits"][0]
        assert f"egret{number}" in {hit["id"] for hit in found}
        assert asked.delete(f"/v1/items/egret{number}").status_code == 200
        assert other.get(f"/v1/items/egret{number}").status_code == 404


def test_statuses_headers_and_problems_come_back_as_they_are(both):
    first, second = both
    made = first.put("/v1/items/gull", json={"title": "gull"})
    etag = made.headers["etag"]
    assert second.get("/v1/items/gull").headers["etag"] == etag
    stale = second.put("/v1/items/gull", json={"title": "x"}, headers={"If-Match": '"1-0"', "X-Request-Id": "mine"})
    assert (stale.status_code, stale.headers["content-type"], stale.headers["x-request-id"]) == (412, "application/problem+json", "mine")
    assert stale.json()["request_id"] == "mine"
    assert second.patch("/v1/items/gull", json={"title": "a gull"}, headers={"If-Match": etag}).status_code == 200
    assert first.put("/v1/items/x", json={"titel": "x"}).json()["errors"][0]["did_you_mean"] == "title"
    assert first.put("/v1/items/x", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    odd = "a/b?c#d%2F é"
    path = "/v1/items/a%2Fb%3Fc%23d%252F%20%C3%A9"
    assert first.put(path, json={"title": "odd"}).status_code == 201
    assert second.get(path).json()["item"]["id"] == odd
    lines = b"".join(b'{"put": {"id": "t%d", "title": "tern %d"}}\n' % (n, n) for n in range(500))
    bulk = first.post("/v1/items:bulk?atomic=true", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert bulk.headers["content-type"] == "application/x-ndjson"
    assert len(bulk.text.splitlines()) == 501
    assert second.get("/v1/items/t499").status_code == 200


def test_a_key_to_do_a_write_once_holds_for_all(both):
    body, headers = {"links": [{"left": "u1", "right": "shoe"}]}, {"Idempotency-Key": "k1"}
    answers = [client.post("/v1/links", json=body, headers=headers) for client in (*both, *both)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert both[0].post("/v1/links", json={"links": []}, headers=headers).status_code == 422


class Deaf:
    """In place of what moves a worker: hears of new versions, and stays where it is."""

    class now:
        version = 0

    async def reach(self, version):
        return


def test_a_worker_that_does_not_move_holds_up_nobody_and_shows_nothing_old(crew, both, monkeypatch):
    monkeypatch.setattr("nearkin.service.following.FOLLOW_S", 0.2)
    monkeypatch.setattr("nearkin.service.keeper.WATCH_S", 3600)
    monkeypatch.setattr(crew.parts[2].app.app.state.service.following, "keeper", Deaf())
    for number in range(3):
        answer = both[0].put(f"/v1/items/heron{number}", json={"title": "heron"})
        assert both[1].get(f"/v1/items/heron{number}").json()["version"] >= answer.json()["version"]


def test_while_the_writer_is_away_reads_go_on(crew, both):
    first, second = both
    crew.stop_writer()
    until(lambda: first.get("/health/ready").status_code == 503)
    refused = second.put("/v1/items/ibis", json={"title": "ibis"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert first.get("/v1/search?q=shoe").json()["hits"][0]
    assert second.get("/health/live").status_code == 200
    crew.start_writer()
    until(lambda: all(client.get("/health/ready").status_code == 200 for client in both))
    assert second.put("/v1/items/ibis", json={"title": "ibis"}).status_code == 201
    assert first.get("/v1/items/ibis").status_code == 200


def test_what_another_process_writes_reaches_all(crew, both):
    with Collection.open(crew.place) as shop:
        shop.remove(["guitar"])
        version = shop.version
    for client in both:
        headers = {"If-Version-At-Least": str(version)}
        assert client.get("/v1/items/guitar", headers=headers).status_code == 404


def test_jobs_are_begun_by_the_writer_and_seen_by_all(both):
    made = both[0].post("/v1/jobs", json={"kind": "import", "file": "absent.jsonl"})
    assert made.status_code == 202
    until(lambda: both[1].get(made.headers["location"]).json()["state"] == "failed", 120)


def test_a_rate_holds_over_all_workers(tmp_path):
    place = tmp_path / "shop"
    shop_of(place)
    state = State(place)
    slow, free = Keys(state).add(["read"], rate=0.01), Keys(state).add(["write", "read"])
    with Crew.of(place) as crew:
        assert _asked(crew.addresses[0], slow).status_code == 200
        refused = _asked(crew.addresses[1], slow)
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        told = [refused.headers[name] for name in ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")]
        assert told == ["100", "1", "0", "100"]
        assert "ratelimit-limit" not in _asked(crew.addresses[0], free).headers
    state.close()


def _asked(address, key):
    return httpx2.get(f"{address}/v1/limits", headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False)


def test_a_rate_lets_a_second_at_once_and_outlives_a_new_start_of_the_clock(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    state = State(tmp_path / "shop")
    keys, now = Keys(state), [1000.0]
    monkeypatch.setattr("nearkin.service.keys.time.monotonic", lambda: now[0])
    keys.add(["read"], rate=4)
    access = Access(frozenset({"read"}), keys.listed()[0]["id"], None, 4.0)
    assert [keys.rate(access)["RateLimit-Remaining"] for _ in range(4)] == ["3", "2", "1", "0"]
    with pytest.raises(Problem, match="4 times a second"):
        keys.rate(access)
    now[0] += 0.5
    assert [keys.rate(access)["RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    now[0] = 3.0
    assert keys.rate(access)["RateLimit-Remaining"] == "3"
    state.close()


def test_a_state_of_an_earlier_nearkin_is_widened(tmp_path):
    (tmp_path / ".service").mkdir()
    old = sqlite3.connect(tmp_path / ".service" / "state.sqlite3")
    old.execute(
        "CREATE TABLE keys (id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, filter TEXT, "
        "made REAL NOT NULL, expires REAL, used REAL)"
    )
    old.close()
    for _ in range(2):
        state = State(tmp_path)
        Keys(state).add(["read"], rate=1)
        state.close()
