"""Judgements: said, taken back, kept over a restart, seen by those who may, and read by the commands as they are exported."""

from __future__ import annotations

import json
import shutil

import httpx2
import pytest

from nearkin.service.app import create_app
from tests.service.conftest import served

LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture
def own(place, tmp_path):
    """The shop for one test alone."""
    folder = tmp_path / "shop"
    shutil.copytree(place, folder, ignore=shutil.ignore_patterns(".service"))
    return folder


def client(address, key=None):
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=address, timeout=30, trust_env=False, headers=headers)


def judge(http, query, item, grade):
    answer = http.put("/v1/judgements", json={"query": query, "item": item, "grade": grade})
    assert answer.status_code == 200, answer.text
    return answer.json()


def kept(http, **asked):
    told = http.get("/v1/judgements", params=asked).json()
    return {(each["query"], each["item"]): each["grade"] for each in told["judgements"]}


def test_the_last_grade_counts_and_outlives_the_service(own):
    with served(create_app(own)) as address, client(address) as http:
        first = judge(http, "red shoe", "shoe", 1)
        assert judge(http, "red shoe", "shoe", 3)["query_id"] == first["query_id"] != "red shoe"
        judge(http, "red shoe", "hat", 0)
        judge(http, "guitar", "guitar", 2)
        assert http.delete("/v1/judgements", params={"query": "guitar", "item": "guitar"}).json()["grade"] is None
        assert http.delete("/v1/judgements", params={"query": "guitar", "item": "guitar"}).status_code == 200  # nothing to take back
    with served(create_app(own)) as address, client(address) as http:
        assert kept(http) == {("red shoe", "shoe"): 3, ("red shoe", "hat"): 0}
        assert kept(http, query="guitar") == {}
        told = http.get("/v1/judgements", params={"limit": 1}).json()
        assert (len(told["judgements"]), told["total"], told["queries"]) == (1, 2, 1)


def test_what_another_said_counts_again_when_the_last_is_taken_back(own):
    app = create_app(own)
    keys = app.app.app.state.service.keys
    one, two, reader = keys.add(["read", "write"]), keys.add(["read", "write"]), keys.add(["read"], where="kind = 'wear'")
    with served(app) as address:
        with client(address, one) as http:
            judge(http, "warm", "boot", 3)
            judge(http, "loud", "guitar", 3)
        with client(address, two) as http:
            assert judge(http, "warm", "boot", 1)["by"] == two.split("_")[1]
            assert kept(http)["warm", "boot"] == 1
            assert http.delete("/v1/judgements", params={"query": "warm", "item": "boot"}).json()["grade"] == 3
        with client(address, reader) as http:
            assert kept(http) == {("warm", "boot"): 3}  # a key with a filter knows nothing of the guitar
            assert http.put("/v1/judgements", json={"query": "a", "item": "boot", "grade": 1}).status_code == 403
            assert http.delete("/v1/judgements", params={"query": "warm", "item": "boot"}).status_code == 403


def test_what_cannot_be_a_judgement_is_refused(http):
    def refused(**body):
        answer = http.put("/v1/judgements", json=body)
        assert answer.status_code == 422, answer.text
        return answer.json()["errors"][0]

    assert refused(query="x", item="nobody", grade=1)["code"] == "unknown-id"
    assert refused(query="", item="shoe", grade=1)["pointer"] == "/query"
    assert refused(query="x", item="shoe", grade=4)["pointer"] == "/grade"
    assert refused(query="x", item="shoe", grade=1.5)["pointer"] == "/grade"
    assert refused(query="x", item="shoe", grade=1, mood="good")["pointer"] == "/mood"
    raw = {"content": b'{"query": "\\ud800", "item": "shoe", "grade": 1}', "headers": {"Content-Type": "application/json"}}
    assert http.put("/v1/judgements", **raw).status_code == 422
    assert http.get("/v1/judgements", params={"query": "never asked"}).json()["judgements"] == []


def test_judgements_of_things_that_are_gone_are_not_listed(own):
    with served(create_app(own)) as address, client(address) as http:
        judge(http, "strings", "violin", 3)
        judge(http, "strings", "guitar", 2)
        http.delete("/v1/items/violin")
        assert kept(http) == {("strings", "guitar"): 2}
        assert len(http.get("/v1/judgements", headers=LINES).text.splitlines()) == 1


def test_the_commands_read_the_export_as_it_is(own, tmp_path):
    from typer.testing import CliRunner

    from nearkin.cli.app import app

    with served(create_app(own)) as address, client(address) as http:
        for query, item, grade in [
            ("red running shoe", "shoe", 3),
            ("red running shoe", "hat", 0),
            ("shoe", "shoe", 2),
            ("a\ttab", "hat", 1),
        ]:
            judge(http, query, item, grade)
        lines = http.get("/v1/judgements", headers=LINES).text
    assert [json.loads(line)["grade"] for line in lines.splitlines()] == [3, 0, 2, 1]
    (tmp_path / "judged.jsonl").write_text(lines)
    done = CliRunner().invoke(app, ["evaluate", str(own), "--judgements", str(tmp_path / "judged.jsonl"), "--metrics", "RR", "--json"])
    assert done.exit_code == 0, done.stderr
    rows = {row["system"]: row["mean"] for row in map(json.loads, done.stdout.splitlines())}
    assert rows["words"] == pytest.approx(2 / 3)  # the query "shoe" finds the thing "shoe", which is no copy of it; a tab finds nothing
