"""What those who keep a collection do over HTTP: keys, jobs as they go, versions; and the papers behind it."""

from __future__ import annotations

import json
import shutil
import time
from itertools import pairwise

import httpx2
import pytest

from nearkin.errors import BadInput
from nearkin.recipes.outcomes import Proofs, short
from nearkin.service import job_events
from nearkin.service.app import create_app
from nearkin.service.settings import Settings
from tests.service.conftest import served


@pytest.fixture
def mine(place, tmp_path):
    """A shop of its own, whose keys disturb nobody."""
    shutil.copytree(place, tmp_path / "shop")
    with served(create_app(tmp_path / "shop")) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_keys_are_made_shown_once_listed_and_taken_back(mine):
    assert mine.post("/v1/keys", json={"scopes": ["write"], "where": "price < 3"}).json()["errors"][0]["pointer"] == "/scopes"
    assert mine.post("/v1/keys", json={"where": "pric < 3"}).json()["errors"][0]["did_you_mean"] == "price"
    assert mine.post("/v1/keys", json={"scopes": ["root"]}).status_code == 422
    made = mine.post("/v1/keys", json={"scopes": ["read", "admin"], "name": "mine", "days": 2})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    admin = bearer(made.json()["key"])
    assert mine.get("/v1/keys").status_code == 401  # from the first key on
    read = mine.post("/v1/keys", json={}, headers=admin).json()
    listed = mine.get("/v1/keys", headers=admin)
    assert [(key["name"], key["scopes"]) for key in listed.json()["keys"]] == [("mine", ["read", "admin"]), ("", ["read"])]
    assert listed.json()["keys"][0]["expires"] == pytest.approx(time.time() + 2 * 86400, abs=60)
    assert read["key"].split("_", 2)[2] not in listed.text
    for ask in (mine.get, mine.post, mine.delete):
        more = {"json": {}} if ask == mine.post else {}
        path = f"/v1/keys/{read['id']}" if ask == mine.delete else "/v1/keys"
        assert ask(path, headers=bearer(read["key"]), **more).status_code == 403
    assert mine.get("/version", headers=bearer(read["key"])).status_code == 200
    assert mine.delete(f"/v1/keys/{read['id']}", headers=admin).status_code == 204
    assert mine.get("/version", headers=bearer(read["key"])).status_code == 401
    assert mine.delete(f"/v1/keys/{read['id']}", headers=admin).status_code == 404


def told(stream):
    """The jobs that a stream of events tells."""
    return [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]


def test_a_job_is_followed_until_it_ends(http):
    job = http.post("/v1/jobs", json={"kind": "layout"}).json()["id"]
    with http.stream("GET", f"/v1/jobs/{job}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        seen = told(stream)
    assert seen[-1]["state"] == "done", seen[-1]
    assert len(seen) > 1
    assert all(one != other for one, other in pairwise(seen))
    assert seen[-1]["result"]["things"] == http.get("/v1/info").json()["things"]
    with http.stream("GET", f"/v1/jobs/{job}/events") as stream:
        assert len(told(stream)) == 1  # it has ended already
    assert http.get("/v1/jobs/nobody/events").status_code == 404


def test_a_listener_who_leaves_is_forgotten_and_too_many_are_sent_away(http, monkeypatch):
    job = http.post("/v1/jobs", json={"kind": "tune", "minutes": 5}).json()["id"]
    monkeypatch.setattr(job_events, "MOST", 2)
    with http.stream("GET", f"/v1/jobs/{job}/events") as one, http.stream("GET", f"/v1/jobs/{job}/events") as other:
        heard = [stream.iter_lines() for stream in (one, other)]
        assert [next(each) for each in heard] == ["event: job"] * 2
        assert http.get(f"/v1/jobs/{job}/events").status_code == 503
    stop = time.monotonic() + 20
    while job_events._listening and time.monotonic() < stop:
        time.sleep(0.05)
    assert not job_events._listening
    assert http.delete(f"/v1/jobs/{job}").status_code == 200
    with http.stream("GET", f"/v1/jobs/{job}/events") as stream:
        assert told(stream)[-1]["state"] == "cancelled"


def test_versions_sizes_and_stages_are_told(http, shop):
    before = http.get("/v1/versions").json()
    http.put("/v1/items/k1", json={"title": "kestrel"})
    after = http.get("/v1/versions").json()
    assert after["version"] == after["versions"][0]["version"] == before["version"] + 1
    assert after["versions"][0]["time"] == pytest.approx(time.time(), abs=60)
    assert after["size_bytes"] > sum(stage["size_bytes"] for stage in after["stages"]) > 0
    assert {"words", "meaning"} <= {stage["name"] for stage in after["stages"]}
    twin = http.get("/admin.json").json()
    assert twin["versions"]["version"] == after["version"]
    assert (twin["keys"], isinstance(twin["jobs"], list)) == ([], True)


def test_who_may_write_sees_versions_but_no_keys(mine):
    admin = bearer(mine.post("/v1/keys", json={"scopes": ["admin"]}).json()["key"])
    keys = {scope: mine.post("/v1/keys", json={"scopes": [scope]}, headers=admin).json()["key"] for scope in ("read", "write")}
    assert mine.get("/admin.json", headers=bearer(keys["read"])).status_code == 403
    twin = mine.get("/admin.json", headers=bearer(keys["write"])).json()
    there = mine.get("/v1/info", headers=bearer(keys["read"]))
    assert there.status_code == 200, there.text
    assert (twin["keys"], twin["jobs"], twin["versions"]["things"]) == (None, None, there.json()["things"])


def test_papers_are_told_with_what_came_of_their_claims(http):
    papers = http.get("/v1/papers").json()["papers"]
    assert len(papers) == 71
    assert {paper["verdict"] for paper in papers} == {"holds", "does not hold", "undecided", "not run"}
    bebr = next(paper for paper in papers if paper["name"] == "bebr")
    assert (bebr["command"], bebr["data"], bebr["seeds"]) == ("nearkin reproduce bebr", ["dict-wordnet31"], 3)
    whole = http.get("/v1/papers/bebr").json()
    assert whole["proof"]["lines"]
    assert all(line["decides"] for line in whole["proof"]["lines"])
    assert http.get("/papers/bebr.json").json() == whole
    assert http.get("/papers.json").json() == {"papers": papers}
    for path in ("/v1/papers/nothing", "/v1/papers/..%2F..%2Fpyproject", "/v1/papers/bebr/curve"):
        assert http.get(path).status_code == 404


def test_a_folder_of_proofs_shows_them_whole_with_curves(place, tmp_path):
    line = {"data": "d", "metric": "m", "rival": "r", "rival_value": 1, "ours": 2, "difference": 1, "low": 0, "high": 2, "units": 3}
    proof = {"name": "bebr", "verdict": "holds", "command": "c", "data": {"d": "1"}, "seconds": {}, "machine": {}, "figures": {"f": 1}}
    lines = [{**line, "decides": True, "verdict": "holds"}, {**line, "decides": False, "verdict": "undecided"}]
    proof |= {"card": {"seeds": [0, 1]}, "lines": lines, "versions": {"python": "3", "nearkin": "1", "numpy": "2"}}
    (tmp_path / "bebr.json").write_text(json.dumps(proof))
    (tmp_path / "bebr.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.json").write_text(json.dumps({"verdict": "hidden"}))
    proofs = Proofs(tmp_path)
    assert proofs.proof("bebr") == proof
    assert (proofs.outcome("bebr").verdict, proofs.outcome("bebr").seeds, proofs.outcome("bebr").curve) == ("holds", 2, True)
    assert short(proof)["lines"] == lines[:1]
    for name in ("secret", "../secret", "", "/etc/passwd"):
        with pytest.raises(BadInput, match="no paper"):
            proofs.proof(name)
    with pytest.raises(BadInput, match="no folder"):
        Proofs(tmp_path / "none")
    with served(create_app(place, settings=Settings(proofs=str(tmp_path)))) as address:
        answer = httpx2.get(f"{address}/v1/papers/bebr/curve", trust_env=False)
        assert (answer.headers["content-type"], answer.content) == ("image/png", b"\x89PNG")
        assert httpx2.get(f"{address}/v1/papers/bebr", trust_env=False).json()["proof"]["figures"] == {"f": 1}
