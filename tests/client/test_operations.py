"""Every operation of the service is a method of both clients, and asks for what the OpenAPI says it asks."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from pathlib import Path

import httpx2
import pytest

import nearkin
from nearkin.client import AsyncClient, Client
from nearkin.client.sending import Got, meant
from nearkin.errors import BadInput
from nearkin.service.app import create_app
from nearkin.tables import Catalog, Links
from tests.service.conftest import served, shop_of

OPENAPI = json.loads((Path(__file__).parents[1] / "service" / "openapi.json").read_text(encoding="utf-8"))
PATHS = {told["operationId"]: (method.upper(), path) for path, ways in OPENAPI["paths"].items() for method, told in ways.items()}
NO_METHOD = {
    **dict.fromkeys(("search_get", "similar_get", "recommend_get", "explain_get", "compare_get"), "a link to the same answer as by POST"),
    "job_events": "a stream for the page; programs call wait()",
    "around": "places for the small map that the page draws beside a thing",
}
TABLE = Catalog.of(["a"], title=["red shoe"])
LINKS = Links.of_ids(Catalog.of(["u"]), TABLE, [("u", "a")])
CALLS = {
    "search": ("shoe",), "similar": (["a"],), "recommend": ([["a"]],), "match": (TABLE,), "explain": ("shoe", "a"),
    "compare": ("shoe", "words", "all"), "code": ("a",), "found_by": ("a",), "get": ("a/b",), "put": ("a/b", {"price": 3}),
    "patch": ("a/b", {"price": None}), "delete": ("a/b",), "bulk": ([{"delete": "a"}],), "add_links": (LINKS,), "start": ("compact",),
    "job_state": ("j1",), "cancel": ("j1",), "judge": ("shoe", "a", 3), "unjudge": ("red shoe", "a"), "report": ("r1",),
    "match_pair": (3,), "judge_pair": (3, "same"), "remove_match": ("m1",), "map_things": ([0],), "paper": ("bebr",),
    "paper_curve": ("bebr",), "revoke": ("k1",),
}  # fmt: skip
LISTS = ("hits", "warnings", "things", "papers", "keys", "jobs", "matches", "columns")
ANSWER = {"catalogue": 1, "version": 1, "links": 1, "expected": None, "precision": None, **{name: [] for name in LISTS}}


class Listening:
    """Answers anything, and remembers what was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, request):
        self.asked.append((request.method, request.url.raw_path.decode().split("?")[0]))
        if request.url.path.endswith(":bulk"):
            return httpx2.Response(200, content=b'{"line": 1}\n{"summary": {}}\n', headers={"Content-Type": "application/x-ndjson"})
        return httpx2.Response(200, json=ANSWER)


def as_told(name, asked):
    method, path = PATHS[name]
    return asked[0] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked[1])


@pytest.mark.parametrize("name", sorted(PATHS.keys() - NO_METHOD.keys()))
def test_an_operation_is_a_method_that_asks_for_it(name):
    service = Listening()
    with nearkin.connect("http://shop.example") as client:
        client._http = httpx2.Client(transport=httpx2.MockTransport(service))
        method = getattr(client, name)
        if name != "version":
            method(*CALLS.get(name, ()))
    assert [bool(as_told(name, each)) for each in service.asked] == [True], service.asked


def test_what_has_no_method_is_told_with_its_reason():
    assert NO_METHOD.keys() <= PATHS.keys()
    assert not [name for name in NO_METHOD if hasattr(Client, name)]


def test_both_clients_have_the_same_methods():
    ours = {name: each for name, each in vars(Client).items() if not name.startswith("_") and inspect.isfunction(each)}
    theirs = {name: each for name, each in vars(AsyncClient).items() if not name.startswith("_") and inspect.isfunction(each)}
    assert ours.keys() | {"version"} == theirs.keys()
    for name, each in ours.items():
        assert list(inspect.signature(each).parameters) == list(inspect.signature(theirs[name]).parameters), name
        assert each.__doc__, name
        assert not inspect.iscoroutinefunction(each)
        assert inspect.iscoroutinefunction(theirs[name]) or name == "export"


def test_an_answer_is_read_by_its_kind():
    assert meant(Got(200, b"ok", {"content-type": "text/plain; charset=utf-8"})) == "ok"
    assert meant(Got(200, b"\x00\xff", {"content-type": "application/octet-stream"})) == b"\x00\xff"
    assert meant(Got(204, b"", {})) is None
    assert meant(Got(200, b'{"id": 1}', {"content-type": "application/json", "etag": '"3-f"'})) == {"id": 1, "etag": '"3-f"'}
    assert meant(Got(200, b'{"id": 1}', {"content-type": "application/json", "etag": 'W/"3"'})) == {"id": 1}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    place = tmp_path_factory.mktemp("operations") / "shop"
    shop_of(place).close()
    with served(create_app(place)) as address:
        yield address


def test_a_program_can_do_what_the_page_does(address):
    with nearkin.connect(address) as shop:
        assert (shop.live(), shop.ready()) == ("ok", "ok")
        assert shop.about()["catalogue"] == shop.version
        assert shop.limits()["match_pairs"] == 500
        assert "nearkin_items" in shop.metrics()
        seen = shop.get("shoe")
        shop.put("shoe", {**seen["item"], "price": 41}, match=seen["etag"])
        with pytest.raises(BadInput, match="changed since"):
            shop.patch("shoe", {"price": 1}, match=seen["etag"])
        assert [line["status"] for line in shop.bulk([{"patch": {"id": "hat", "price": 9}}, {"delete": "nobody"}])] == [200, 404]
        assert shop.compare("red shoe", "words", "all", k=3)["a"]["stage"] == "words"
        assert shop.compare(after=["guitar"])["b"]["stage"] == "recommend"
        shop.judge("red shoe", "shoe", 3)
        shop.judge("blue hat", "hat", 3)
        assert [each["item"] for each in shop.judgements()] == ["shoe", "hat"]
        shop.unjudge("blue hat", "hat")
        said = []
        assert shop.wait(shop.start("evaluate")["id"], progress=said.append)
        assert said
        report = shop.report(shop.reports()["reports"][0]["id"], metric="MRR", a="words", b="meaning")
        assert report["against"]["equal"] + len(report["against"]["won"]) + len(report["against"]["lost"]) == 1
        assert shop.jobs()[0]["state"] == "done"
        told = shop.score_pairs([("shoe", "boot"), ("boot", "shoe")], explain=True)
        assert [(each.left, each.right) for each in told] == [("shoe", "boot"), ("boot", "shoe")]
        assert told.partners[0].score == pytest.approx(told.partners[1].score)


def test_many_things_can_be_awaited_at_once(address):
    async def work():
        async with nearkin.connect_async(address) as shop:
            return await asyncio.gather(shop.get("shoe"), shop.code("boot"), shop.found_by("hat"), shop.matches())

    thing, code, found, matches = asyncio.run(work())
    assert (thing["item"]["id"], code["id"], found["id"], matches) == ("shoe", "boot", "hat", [])


def test_keys_are_made_shown_once_and_taken_back(address):
    with nearkin.connect(address) as shop:
        key = shop.add_key(["admin", "write", "read"], name="a test")
    with nearkin.connect(address, key=key["key"]) as shop:
        told = shop.keys()
        assert [each["name"] for each in told] == ["a test"]
        with nearkin.connect(address, key="nk_no_key") as stranger, pytest.raises(BadInput, match="not known"):
            stranger.info()
        assert shop.revoke(key["id"]) is None
