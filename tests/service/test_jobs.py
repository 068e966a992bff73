"""Long work: one at a time, followed by its address, cancelled, and begun again after a restart."""

from __future__ import annotations

import json
import subprocess
import time

import httpx2
import pytest

from nearkin.service.app import create_app
from nearkin.service.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, TRIES, Jobs
from nearkin.service.problems import Problem
from nearkin.service.state import State
from tests.service.conftest import served

BOTH = True  # see conftest


def wait(http, address):
    for _ in range(1200):
        told = http.get(address).json()
        if told["state"] not in (QUEUED, RUNNING):
            return told
        time.sleep(0.05)
    raise AssertionError(f"the job did not end: {told}")


def start(http, **body):
    answer = http.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


def test_compact_leaves_no_byte_of_what_was_removed_and_answers_go_on(http, place):
    told = {"put": {"id": "secret", "title": "unforgettable xylophonist"}}
    headers = {"Idempotency-Key": "once", "Content-Type": "application/x-ndjson"}
    assert http.post("/v1/items:bulk", content=json.dumps(told), headers=headers).status_code == 200
    http.delete("/v1/items/secret")
    before = http.post("/v1/search", json={"queries": ["instrument"], "k": 9}).json()
    told = wait(http, start(http, kind="compact"))
    assert told["state"] == DONE, told
    assert "fitting words" in told["log_tail"]
    after = http.post(
        "/v1/search", json={"queries": ["instrument"], "k": 9}, headers={"If-Version-At-Least": str(told["result"]["version"])}
    )
    assert [hit["id"] for hit in after.json()["hits"][0]] == [hit["id"] for hit in before["hits"][0]]
    assert http.post("/v1/search", json={"queries": ["x"], "version": before["version"]}).status_code in (200, 410)
    assert http.post("/v1/search", json={"queries": ["x"], "version": 1}).status_code == 410
    # by another process: one that closes a file of SQLite loses all its locks on it
    assert subprocess.run(["grep", "-raF", "xylophonist", str(place)], capture_output=True).stdout == b""


def test_evaluate_compares_the_stages(http):
    judged = [{"query": "q1", "item": "shoe", "grade": 1}, {"query": "q2", "item": "guitar", "grade": 1}]
    queries = [{"id": "q1", "text": "red running shoe"}, {"id": "q2", "text": "acoustic guitar"}]
    told = wait(http, start(http, kind="evaluate", queries=queries, judgements=judged, metrics=["nDCG@10"]))
    assert told["state"] == DONE, told
    assert {row["system"]: row["mean"] for row in told["result"]["rows"]} == {"words": 1.0, "meaning": 1.0, "all": 1.0}


def test_import_takes_in_a_file_of_its_own_folder_only(http, place):
    folder = place / ".service" / "imports"
    folder.mkdir()
    (folder / "more.jsonl").write_text("".join(json.dumps({"id": f"i{n}", "title": f"ibis {n}", "price": 1.5}) + "\n" for n in range(5)))
    told = wait(http, start(http, kind="import", file="more.jsonl"))
    assert told["state"] == DONE, told
    assert (told["result"]["new"], told["done"], told["total"]) == (5, 5, 5)
    found = http.post("/v1/search", json={"queries": ["ibis"], "k": 9}, headers={"If-Version-At-Least": str(told["result"]["version"])})
    assert {f"i{n}" for n in range(5)} <= {hit["id"] for hit in found.json()["hits"][0]}
    assert http.post("/v1/jobs", json={"kind": "import", "file": "../kin.toml"}).status_code == 422
    failed = wait(http, start(http, kind="import", file="absent.jsonl"))
    assert (failed["state"], "no file" in failed["problem"]) == (FAILED, True)


def test_jobs_are_cancelled_listed_and_refused(http):
    first, second = start(http, kind="tune", minutes=5), start(http, kind="compact")
    assert http.delete(second).json()["state"] == CANCELLED
    assert http.delete(first).json()["state"] == CANCELLED
    assert wait(http, first)["state"] == CANCELLED
    assert [job["kind"] for job in http.get("/v1/jobs").json()["jobs"][:2]] == ["compact", "tune"]
    assert http.get("/v1/jobs/nobody").status_code == http.delete("/v1/jobs/nobody").status_code == 404
    assert http.post("/v1/jobs", json={"kind": "dance"}).status_code == 422
    assert http.post("/v1/jobs", json={"kind": "tune", "minutes": 0}).json()["errors"][0]["pointer"].endswith("/minutes")


def test_what_ran_when_the_service_ended_is_begun_again(place, tmp_path):
    state = State(tmp_path)
    jobs = Jobs(state)
    waits = jobs.add("compact", {})["id"]
    assert jobs.begin() == waits
    jobs.resume()
    assert jobs.get(waits)["state"] == QUEUED
    for _ in range(TRIES - 1):
        jobs.begin()
        jobs.resume()
    assert jobs.get(waits)["state"] == FAILED
    with pytest.raises(Problem, match="no job"):
        jobs.get("other")
    state.close()
    state = State(place)
    left = Jobs(state).add(
        "evaluate", {"queries": [{"id": "q", "text": "hat"}], "judgements": [{"query": "q", "item": "hat", "grade": 1}], "metrics": ["RR"]}
    )
    state.run("UPDATE jobs SET state = 'running', tries = 1 WHERE id = ?", left["id"])
    state.close()
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as again:
        assert wait(again, f"/v1/jobs/{left['id']}")["state"] == DONE
