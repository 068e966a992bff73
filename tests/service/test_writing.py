"""Writes over real HTTP: what is answered is durable, found, and found no more; the same twice is done once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from nearkin.collection import Collection
from nearkin.service import unfinished
from nearkin.service.changes import add_links
from nearkin.service.replies import Replies
from nearkin.service.requests import LinkBody
from nearkin.service.state import State
from tests.service.conftest import shop_of

BOTH = True  # see conftest

LINES = {"Content-Type": "application/x-ndjson"}


def found(http, query, **more):
    return [hit["id"] for hit in http.post("/v1/search", json={"queries": [query], **more}).json()["hits"][0]]


def bulk(http, *lines, atomic=False, **headers):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return http.post("/v1/items:bulk", params={"atomic": atomic}, content=body.encode(), headers={**LINES, **headers})


def told(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_what_is_put_is_found_by_all_verbs_and_durable(http, place):
    before = http.get("/version").json()["catalogue"]
    answer = http.put("/v1/items/a%2Fb%20%F0%9F%8E%BA", json={"title": "shiny trumpet with a case", "kind": "music", "price": 7})
    assert answer.status_code == 201, answer.text
    assert answer.json()["version"] > before
    assert found(http, "trumpet", k=1) == ["a/b 🎺"]
    assert found(http, "trumpet", k=1, where="price = 7 AND kind = 'music'") == ["a/b 🎺"]
    assert "a/b 🎺" in [hit["id"] for hit in http.get("/v1/similar?id=guitar&k=20").json()["hits"][0]]
    assert "a/b 🎺" in [hit["id"] for hit in http.get("/v1/recommend?after=violin&k=20").json()["hits"][0]]
    assert "a/b 🎺" in Collection.open(place).catalog.id_list
    again = http.put("/v1/items/a%2Fb%20%F0%9F%8E%BA", json={"title": "a rusty horn"})
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert found(http, "trumpet", stage="words") == []
    assert http.get("/v1/items/a%2Fb%20%F0%9F%8E%BA").json()["item"]["price"] is None


def test_a_patch_changes_only_what_it_names(http):
    http.put("/v1/items/drum", json={"title": "a drum to beat", "price": 30, "tags": ["loud"]})
    assert http.patch("/v1/items/drum", json={"price": 31, "kind": None}).status_code == 200
    thing = http.get("/v1/items/drum").json()["item"]
    assert (thing["title"], thing["price"], thing["tags"], thing["kind"]) == ("a drum to beat", 31.0, ["loud"], None)
    assert http.patch("/v1/items/nobody", json={"price": 31}).status_code == 404
    assert http.patch("/v1/items/drum", json={"id": "other"}).json()["errors"][0]["pointer"] == "/id"


def test_what_is_deleted_is_in_no_answer(http, place):
    http.put("/v1/items/gone", json={"title": "unforgettable xylophone"})
    old = http.get("/version").json()["catalogue"]
    assert http.delete("/v1/items/gone").status_code == 200
    assert "gone" not in found(http, "unforgettable xylophone", k=50)
    assert "gone" not in [hit["id"] for hit in http.get("/v1/similar?id=guitar&k=50").json()["hits"][0]]
    assert http.get("/v1/items/gone").status_code == http.delete("/v1/items/gone").status_code == 404
    assert found(http, "unforgettable xylophone", k=1, version=old) == ["gone"]
    assert "gone" not in Collection.open(place).catalog.id_list


def test_etags_keep_two_writers_from_undoing_each_other(http):
    first = http.put("/v1/items/cello", json={"title": "cello"}, headers={"If-None-Match": "*"})
    assert first.status_code == 201
    assert http.put("/v1/items/cello", json={"title": "cello"}, headers={"If-None-Match": "*"}).status_code == 412
    etag = http.get("/v1/items/cello").headers["etag"]
    assert first.headers["etag"] == etag
    http.put("/v1/items/other", json={"title": "another thing"})
    assert http.get("/v1/items/cello").headers["etag"] == etag
    assert http.patch("/v1/items/cello", json={"price": 3}, headers={"If-Match": etag}).status_code == 200
    assert http.patch("/v1/items/cello", json={"price": 4}, headers={"If-Match": etag}).status_code == 412
    assert http.delete("/v1/items/cello", headers={"If-Match": etag}).status_code == 412
    assert http.get("/v1/items/cello").json()["item"]["price"] == 3.0


@pytest.mark.parametrize(
    ("thing", "pointer", "says"),
    [
        ({"titel": "x"}, "/titel", "no such field"),
        ({"price": "cheap"}, "/price", "holds double"),
        ({"title": 3}, "/title", "holds string"),
        ({"price": True}, "/price", "holds double"),
        ({"tags": "red"}, "/tags", "holds list"),
        ({"id": "b"}, "/id", "the id in the path"),
        ({"tags": ["a", 3]}, "/tags", "holds list"),
    ],
)
def test_a_thing_that_does_not_fit_is_refused_with_the_field(http, thing, pointer, says):
    answer = http.put("/v1/items/a", json=thing)
    assert answer.status_code == 422
    flaw = answer.json()["errors"][0]
    assert flaw["pointer"] == pointer
    assert says in flaw["message"]
    assert http.get("/v1/items/a").status_code == 404


def test_numbers_that_are_none_and_halves_of_characters_are_refused(http):
    headers = {"Content-Type": "application/json"}
    for body in (b'{"price": NaN}', b'{"price": 1e999}', b'{"title": "\\ud800"}', b'{"weight": -Infinity}'):
        assert http.put("/v1/items/a", content=body, headers=headers).status_code in (400, 422)
    assert http.put("/v1/items/a%00", json={}).status_code == 422
    assert http.put("/v1/items/a", json=[1]).status_code == 422


def test_bulk_answers_each_line(http):
    lines = told(
        bulk(
            http, {"put": {"id": "n1", "title": "nightjar"}}, {"put": {"id": "n2", "title": "nuthatch"}}, "", "{", {"put": {"title": "x"}},
            {"delete": "nobody"}, {"patch": {"id": "n1", "price": 4}}, {"put": {"id": "n1", "title": "nightingale"}}, {"delete": "n2"},
            {"hug": 1},
        )
    )  # fmt: skip
    assert [(line["line"], line["status"]) for line in lines[:-1]] == [
        (1, 201), (2, 201), (4, 400), (5, 422), (6, 404), (7, 200), (8, 200), (9, 200), (10, 422),
    ]  # fmt: skip
    assert lines[3]["errors"][0]["pointer"] == "/put/id"
    assert lines[-1]["summary"]["ok"] == 5
    assert lines[-1]["summary"]["failed"] == 4
    assert found(http, "nightingale", k=1) == ["n1"]
    assert "n2" not in found(http, "nuthatch", k=50)


def test_an_atomic_bulk_is_all_or_nothing(http):
    before = http.get("/version").json()["catalogue"]
    answer = bulk(http, {"put": {"id": "m1", "title": "magpie"}}, {"put": {"id": "m2", "prize": 3}}, atomic=True)
    assert answer.status_code == 422
    assert (answer.json()["errors"][0]["line"], answer.json()["errors"][0]["pointer"]) == (2, "/put/prize")
    assert http.get("/version").json()["catalogue"] == before
    for lines in ([{"put": {"id": "m1"}}, {"delete": "shoe"}], [{"put": {"id": "m1"}}, {"put": {"id": "m1"}}], [{"delete": "nobody"}]):
        assert bulk(http, *lines, atomic=True).status_code == 422
    good = told(bulk(http, {"put": {"id": "m1", "title": "magpie"}}, {"put": {"id": "m2", "title": "mallard"}}, atomic=True))
    assert good[-1]["summary"] == {"version": before + 1, "ok": 2, "failed": 0}
    told(bulk(http, {"delete": "m1"}, {"delete": "m2"}, atomic=True))


def test_a_line_too_long_is_told_and_the_next_is_read(http):
    lines = told(bulk(http, json.dumps({"put": {"id": "long", "title": "x" * (1 << 20)}}), {"delete": "nobody"}))
    assert [line["status"] for line in lines[:-1]] == [413, 404]


def test_the_same_write_twice_is_done_once(http):
    body = {"links": [{"left": "u1", "right": "hat", "kind": "bought"}]}
    before = http.get("/v1/info").json()["links"]
    first = http.post("/v1/links", json=body, headers={"Idempotency-Key": "k-1"})
    again = http.post("/v1/links", json=body, headers={"Idempotency-Key": "k-1"})
    assert first.status_code == 200, first.text
    assert first.content == again.content
    assert http.get("/v1/info").json()["links"] == before + 1
    other = http.post("/v1/links", json={"links": [{"left": "u1", "right": "shoe"}]}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)
    wrong = http.post("/v1/links", json={"links": [{"left": "u1", "right": "nobody"}]}, headers={"Idempotency-Key": "k-2"})
    assert wrong.json()["errors"][0]["pointer"] == "/links/0/right"
    assert http.post("/v1/links", json=body, headers={"Idempotency-Key": "k-2"}).status_code == 200


def test_many_writers_and_readers_at_once_lose_nothing(http, place):
    def write(number):
        return http.put(f"/v1/items/w{number}", json={"title": f"swallow number {number}"}).status_code

    def read(_number):
        return http.post("/v1/search", json={"queries": ["swallow"], "k": 50, "where": "price IS NULL", "facets": ["kind"]}).status_code

    with ThreadPoolExecutor(6) as pool:
        reading, writing = [pool.submit(read, n) for n in range(20)], [pool.submit(write, n) for n in range(12)]
    assert {one.result() for one in reading} == {200}
    assert {one.result() for one in writing} == {201}
    assert {f"w{n}" for n in range(12)} <= set(found(http, "swallow", k=100)) & set(Collection.open(place).catalog.id_list)


def test_what_another_process_writes_is_seen(http, place):
    shop = Collection.open(place)
    shop.remove(["lamp"])
    answer = http.get("/v1/items/lamp", headers={"If-Version-At-Least": str(shop.version)})
    assert answer.status_code == 404


def test_things_put_at_once_are_written_together_and_a_bad_one_alone_is_refused(http):
    def put(number):
        return http.put(f"/v1/items/g{number % 12}", json={"title": f"goose {number}"} if number % 5 else {"titel": "goose"})

    before = http.get("/version").json()["catalogue"]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(put, range(24)))
    assert [answer.status_code == 422 for answer in answers] == [number % 5 == 0 for number in range(24)]
    versions = {answer.json()["version"] for answer in answers if answer.status_code < 300}
    assert len(versions) < sum(answer.status_code < 300 for answer in answers)
    assert http.get("/version").json()["catalogue"] == max(versions) > before
    assert found(http, "goose 23", k=1, stage="words") == ["g11"]


@pytest.mark.parametrize("written", [True, False])
def test_links_that_a_crash_left_unanswered_count_once(tmp_path, written):
    place = tmp_path / "shop"
    shop_of(place)
    state, shop = State(place), Collection.open(place)
    replies, bodies = Replies(state), [LinkBody(left="u1", right="shoe", time=5), LinkBody(left="u1", right="hat", time=6)]
    assert replies.begin("/k", b"digest") is None

    def noted(table):
        replies.intend("/k", unfinished.last_piece(place), unfinished.packed(table), len(table))
        if not written:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) if not written else nullcontext():
        add_links(shop, bodies, noted)
    add_links(shop, [LinkBody(left="u2", right="shoe", time=5)])  # another one, whose answer was kept
    replies.resume(place, shop.version)  # the next start
    kept = replies.begin("/k", b"digest")
    assert (kept is not None) == written
    if written:
        assert json.loads(kept.body) == {"version": shop.version, "links": 2}
    state.close()
