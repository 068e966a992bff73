"""A thing's faces: the code that names it from coarse to fine, the queries that return it, its place among its neighbours."""

from __future__ import annotations

import shutil

import httpx2
import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.codebook import symbols_for
from nearkin.service.settings import Settings
from nearkin.tables import Catalog
from tests.service.conftest import served

KINDS = ("shoe", "hat", "guitar", "piano", "lamp", "novel", "kettle", "tent")
COLOURS = ("red", "blue", "green", "black", "white", "brown", "golden", "grey")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    names = [f"{colour}-{kind}" for kind in KINDS for colour in COLOURS]
    things = Catalog.of(names, title=[name.replace("-", " ") for name in names], kind=[name.split("-")[1] for name in names])
    folder = tmp_path_factory.mktemp("faces") / "shop"
    with Collection.build(folder, things) as shop:
        shop.lay_out()
    return folder


@pytest.fixture(scope="module")
def http(place):
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


def ask(http, path, **asked):
    answer = http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_code_counts_who_shares_each_prefix_and_names_siblings(http):
    told = ask(http, "/v1/code", id="red-shoe")
    counts = [level["others"] for level in told["levels"]]
    assert len(counts) == 4
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0
    assert all(0 <= level["symbol"] < level["of"] == symbols_for(64) for level in told["levels"])
    shared = told["siblings"]["shared"]
    assert told["siblings"]["total"] == counts[shared - 1] > 0
    for sibling in told["siblings"]["things"][:3]:
        other = ask(http, "/v1/code", id=sibling["id"])
        assert [level["symbol"] for level in other["levels"]][:shared] == [level["symbol"] for level in told["levels"]][:shared]
    assert "red-shoe" not in [each["id"] for each in told["near"]["things"]]
    for near in told["near"]["things"]:
        other = ask(http, "/v1/code", id=near["id"])
        assert sum(one["symbol"] == two["symbol"] for one, two in zip(told["levels"], other["levels"])) >= told["near"]["shared"] == 3


def test_codes_stay_when_things_come_and_are_the_same_in_another_process(http, place):
    before = ask(http, "/v1/code", id="red-shoe")["levels"]
    assert http.put("/v1/items/crimson-shoe", json={"title": "crimson shoe", "kind": "shoe"}).status_code == 201
    after = ask(http, "/v1/code", id="red-shoe")["levels"]
    assert [level["symbol"] for level in after] == [level["symbol"] for level in before]
    assert len(ask(http, "/v1/code", id="crimson-shoe")["levels"]) == 4
    http.delete("/v1/items/crimson-shoe")
    from nearkin.service import codebook

    codebook._held.clear()  # as a process that has coded nothing yet
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as other:
        assert ask(other, "/v1/code", id="red-shoe")["levels"] == before


def test_queries_that_were_seen_are_tried_where_none_is_judged(place, tmp_path):
    place = shutil.copytree(place, tmp_path / "shop")
    told = Settings(log_queries=True)
    with served(create_app(place, settings=told)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as http:
        for text in ("golden kettle", "a tent", "golden kettle", "kettle"):
            http.get("/v1/search", params={"q": text})
        http.post("/v1/search", json={"queries": [{"id": "red-tent"}]})
        told = ask(http, "/v1/found-by", id="golden-kettle")
        assert (told["source"], told["tried"]) == ("seen", 3)
        assert {"golden kettle", "kettle"} <= {each["query"] for each in told["queries"]}
        assert told["queries"][0]["rank"] == 1
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as http:
        http.get("/v1/search", params={"q": "golden kettle"})
        assert ask(http, "/v1/found-by", id="golden-kettle")["source"] == "neighbours"  # unless the owner lets queries be noted
        key = http.post("/v1/keys", json={"scopes": ["admin", "read"]}).json()["key"]
        heads = [{"Authorization": f"Bearer {key}"}]
        heads.append({"Authorization": f"Bearer {http.post('/v1/keys', json={}, headers=heads[0]).json()['key']}"})
    told = Settings(log_queries=True)
    with served(create_app(place, settings=told)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as http:
        http.get("/v1/search", params={"q": "golden kettle"}, headers=heads[1])
        answers = [http.get("/v1/found-by", params={"id": "golden-kettle"}, headers=head).json()["source"] for head in heads]
        assert answers == ["seen", "neighbours"]


def test_queries_that_return_a_thing_are_the_judged_ones_where_there_are_any(http):
    told = ask(http, "/v1/found-by", id="blue-hat")
    assert told["source"] == "neighbours"
    assert told["queries"]
    assert [each["rank"] for each in told["queries"]] == sorted(each["rank"] for each in told["queries"])
    for query, item, grade in [("a blue hat", "blue-hat", 3), ("piano", "red-piano", 2)]:
        assert http.put("/v1/judgements", json={"query": query, "item": item, "grade": grade}).status_code == 200
    told = ask(http, "/v1/found-by", id="blue-hat")
    assert (told["source"], told["tried"]) == ("judged", 2)
    assert told["queries"][0] == {"query": "a blue hat", "rank": 1, "grade": 3}
    hits = http.post("/v1/search", json={"queries": ["piano"], "k": 100}).json()["hits"][0]
    ranks = {hit["id"]: hit["rank"] for hit in hits}
    listed = {each["query"]: each["rank"] for each in told["queries"]}
    assert listed.get("piano") == ranks.get("blue-hat")


def test_the_small_map_shows_a_thing_among_what_is_like_it(http):
    told = ask(http, "/v1/around", id="green-lamp")
    similar = http.post("/v1/similar", json={"ids": ["green-lamp"], "k": 12}).json()["hits"][0]
    assert [each["id"] for each in told["near"]] == [hit["id"] for hit in similar]
    spots = np.array([told["at"], *[each["at"] for each in told["near"]], *told["others"]])
    assert spots.min() >= 0
    assert spots.max() <= 1000
    assert told["all"] == len(told["others"])


def test_the_twins_of_the_faces_say_the_same(http):
    for face, path in (("code", "/v1/code"), ("hits", "/v1/found-by")):
        twin, body = ask(http, "/item/red-shoe.json", face=face), ask(http, path, id="red-shoe")
        assert {**twin, "took_ms": 0} == {**body, "took_ms": 0}
    assert "hits" in ask(http, "/item/red-shoe.json", face="neighbours")


def test_what_is_not_there_is_refused_and_what_may_not_be_seen_is_not_told(place, http, tmp_path):
    for path in ("/v1/code", "/v1/found-by", "/v1/around"):
        assert http.get(path, params={"id": "nobody"}).json()["errors"][0]["code"] == "unknown-id"
    app = create_app(place)
    keys = app.app.app.state.service.keys
    key = keys.add(["read"], where="kind = 'hat'")
    with served(app) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as part:
        part.headers["Authorization"] = f"Bearer {key}"
        assert part.get("/v1/code", params={"id": "red-shoe"}).status_code == 422
        told = part.get("/v1/code", params={"id": "red-hat"}).json()
        assert all(each["id"].endswith("-hat") for each in told["siblings"]["things"] + told["near"]["things"])
        assert "piano" not in [each["query"] for each in part.get("/v1/found-by", params={"id": "blue-hat"}).json()["queries"]]
        keys.remove(key.split("_")[1])
    Collection.build(tmp_path / "bare", Catalog.of(["a", "b"], title=["one", "two"])).close()
    with served(create_app(tmp_path / "bare")) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as bare:
        assert bare.get("/v1/around", params={"id": "a"}).status_code == 404
        assert len(ask(bare, "/v1/code", id="a")["levels"]) == 4
