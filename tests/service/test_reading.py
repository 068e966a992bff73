"""What the service answers, over real HTTP, beside what the collection itself says."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BOTH = True  # see conftest


def post(http, path, status=200, **body):
    answer = http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def ids(answer):
    return [[hit["id"] for hit in hits] for hits in answer["hits"]]


def test_search_answers_as_the_collection_does(http, shop):
    for where in (None, "price > 30 and kind = 'music'"):
        for stage in (None, "words", "meaning"):
            told = {"where": where, "stage": stage}
            answer = post(http, "/v1/search", queries=["red shoe", "an instrument"], k=4, **{n: v for n, v in told.items() if v})
            found = shop.search(["red shoe", "an instrument"], k=4, **told)
            assert ids(answer) == found.ids()
            assert [hit["score"] for hit in answer["hits"][0]] == pytest.approx([hit.score for hit in found.of(0)])
            assert [hit["title"] for hit in answer["hits"][0]] == [hit.title for hit in found.of(0)]
    assert answer["version"] == shop.version
    assert answer["stage"] == "meaning"
    assert {"filter", "search", "facets", "explain", "things"} == answer["took_by_step"].keys()
    assert answer["took_ms"] > 0


def test_numbers_that_are_none_and_nulls_come_as_null(http):
    hit = post(http, "/v1/search", queries=["red running shoe"], k=1)["hits"][0][0]
    assert list(hit["fields"]) == ["id", "title", "price", "kind", "tags", "nothing", "weight"]
    assert (hit["fields"]["weight"], hit["fields"]["nothing"], hit["fields"]["tags"]) == (None, None, ["red", "sport"])
    hit = post(http, "/v1/search", queries=["red running shoe"], k=1, fields=["price"])["hits"][0][0]
    assert hit["fields"] == {"id": "shoe", "price": 10.0}
    assert hit["title"] == "red running shoe for women"


def test_similar_and_recommend_answer_as_the_collection_does(http, shop):
    assert ids(post(http, "/v1/similar", ids=["guitar", "atlas"], k=3)) == shop.similar(["guitar", "atlas"], k=3).ids()
    answer = post(http, "/v1/recommend", histories=[["guitar"], ["shoe", "nobody"]], k=3, explain=True)
    assert ids(answer) == shop.recommend([["guitar"], ["shoe"]], k=3).ids()
    assert answer["hits"][0][0]["why"]["because of"].keys() == {"guitar"}
    assert answer["warnings"] == ["1 ids of the histories are not here and were left out"]
    assert ids(post(http, "/v1/search", queries=[{"id": "guitar"}], k=3)) == shop.similar(["guitar"], k=3).ids()


def test_a_query_string_answers_as_a_body_does(http):
    for path, query, body in [
        ("/v1/search", {"q": "shoe", "where": "price<90", "explain": "true"}, {"queries": ["shoe"], "where": "price<90", "explain": True}),
        ("/v1/similar", {"id": ["hat", "boot"], "k": 2}, {"ids": ["hat", "boot"], "k": 2}),
        ("/v1/recommend", {"after": ["guitar"]}, {"after": ["guitar"]}),
        ("/v1/explain", {"q": "red shoe", "id": "shoe"}, {"query": "red shoe", "id": "shoe"}),
        ("/v1/compare", {"q": "red shoe", "a": "words", "b": "all"}, {"query": "red shoe", "a": "words", "b": "all"}),
    ]:  # fmt: skip
        one, other = http.get(path, params=query).json(), post(http, path, **body)
        for answer in (one, other):
            answer.pop("took_ms")
            answer.pop("took_by_step", None)
            answer.pop("next", None)
        assert one == other


def test_a_vector_finds_what_its_text_finds(http, shop):
    from nearkin.collection.texts import as_queries

    vector = shop.stage("meaning").encoder(as_queries("string instrument")).rows[0].tolist()
    answer = post(http, "/v1/search", queries=[{"vector": vector}], k=3, explain=True)
    assert ids(answer) == shop.search("string instrument", k=3, stage="meaning").ids()
    assert post(http, "/v1/search", 422, queries=[{"vector": [1.0]}])["status"] == 422
    assert "beside" in post(http, "/v1/search", 422, queries=[{"vector": vector}, "text"])["detail"]


def test_explain_and_compare(http, shop):
    told = post(http, "/v1/explain", query="a red running shoe", id="boot")
    assert told["rank"] == ids(post(http, "/v1/search", queries=["a red running shoe"]))[0].index("boot") + 1
    assert sum(told["why"]["parts"].values()) == pytest.approx(told["score"], abs=1e-6)
    absent = post(http, "/v1/explain", query="guitar", id="lamp", stage="words")
    assert absent["rank"] is absent["why"] is None
    assert "nothing speaks for it" in absent["warnings"][0]
    sides = post(http, "/v1/compare", query="string instrument", a="words", b="meaning", k=5)
    assert sides["b"]["hits"][0]["rank_in_other"] in (None, 1)
    assert [hit["id"] for hit in sides["b"]["hits"]] == shop.search("string instrument", k=5, stage="meaning").ids()[0]
    assert sides["overlap"] == len({hit["id"] for hit in sides["a"]["hits"]} & {hit["id"] for hit in sides["b"]["hits"]})
    assert post(http, "/v1/compare", query="shoe", a="all", b="all")["rank_correlation"] == 1.0


def test_a_history_is_compared_by_what_is_like_its_last_and_what_comes_next(http, shop):
    sides = post(http, "/v1/compare", after=["guitar", "boot"], a="words", b="recommend", k=5)
    assert [hit["id"] for hit in sides["b"]["hits"]] == shop.recommend([["guitar", "boot"]], k=5).ids()[0]
    like = shop.similar(["boot"], k=6, stage="words").ids()[0]
    assert [hit["id"] for hit in sides["a"]["hits"]] == [name for name in like if name != "guitar"][:5]
    same = http.get("/v1/compare", params={"after": ["guitar", "boot"], "a": "words", "b": "recommend", "k": 5}).json()
    assert same["b"]["hits"] == sides["b"]["hits"]
    assert post(http, "/v1/compare", 422, after=["guitar", "nobody"], a="words", b="all")["errors"][0]["pointer"] == "/after/1"
    assert "stage" in post(http, "/v1/compare", 422, query="guitar", a="words", b="recommend")["detail"]
    assert "either" in str(post(http, "/v1/compare", 422, query="guitar", after=["boot"], a="words", b="all"))


def test_words_are_marked_in_the_texts(http):
    hit = post(http, "/v1/search", queries=["shoes for women"], k=1, highlight=True)["hits"][0][0]
    assert [hit["fields"]["title"][start:stop] for start, stop in hit["spans"]["title"]] == ["shoe", "women"]


def test_facets_count_the_pool_and_the_filter(http):
    answer = post(http, "/v1/search", queries=["instrument"], k=1, where="price >= 20", facets=["kind", "tags"], stage="meaning")
    kinds = {entry["value"]: (entry["n"], entry["n_filter"]) for entry in answer["facets"]["kind"]}
    assert kinds == {"wear": (2, 2), "music": (3, 3), "books": (2, 2), "home": (2, 2)}
    assert {"value": "warm", "n": 2, "n_filter": 2} in answer["facets"]["tags"]
    assert answer["total"] == {"filter": 9, "relevant": 9, "exact": True, "pool": 100}
    assert "cannot be counted" in post(http, "/v1/search", 422, queries=["x"], facets=["title"])["detail"]
    assert "one query" in post(http, "/v1/search", 422, queries=["x", "y"], facets=["kind"])["detail"]


QUERY = st.sampled_from(["red shoe", "instrument with strings", "warm", "", "zzz", "a book about europe"])
WHERE = st.sampled_from([None, "price > 30", "kind = 'music' OR kind = 'wear'", "price < 0"])
PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(query=QUERY, where=WHERE, k=st.integers(1, 12), offset=st.integers(0, 12), stage=st.sampled_from(["all", "words", "meaning"]))
def test_counts_do_not_depend_on_k_and_offset_and_pages_make_one_list(http, query, where, k, offset, stage):
    asked = {"queries": [query], "facets": ["kind", "tags"], "stage": stage} | ({"where": where} if where else {})
    whole = post(http, "/v1/search", k=1000, **asked)
    page = post(http, "/v1/search", k=k, offset=offset, explain=True, **asked)
    assert page["facets"] == whole["facets"]
    assert page["total"] == whole["total"]
    assert ids(page)[0] == ids(whole)[0][offset : offset + k]
    for hit in page["hits"][0]:
        assert sum(hit["why"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-6)


def test_pages_follow_the_cursor_and_end(http):
    asked = {"queries": ["shoe for music in winter"], "k": 4}
    whole = ids(post(http, "/v1/search", queries=asked["queries"], k=10))[0]
    page, seen = post(http, "/v1/search", **asked), []
    while True:
        seen += ids(page)[0]
        if page["next"] is None:
            break
        page = post(http, "/v1/search", **asked, cursor=page["next"])
    assert seen == whole
    first = post(http, "/v1/search", **asked)["next"]
    assert "another query" in post(http, "/v1/search", 422, queries=["hat"], cursor=first)["detail"]
    assert "not made here" in post(http, "/v1/search", 422, **asked, cursor="AAAA" + first[4:])["detail"]
    assert "not both" in post(http, "/v1/search", 422, **asked, cursor=first, offset=3)["detail"]


def test_items_are_read_by_id_and_by_filter(http):
    answer = http.get("/v1/items/shoe")
    assert answer.json()["item"]["title"] == "red running shoe for women"
    again = http.get("/v1/items/shoe", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get("/v1/items/a%2Fb").status_code == 404
    listed = post(http, "/v1/items:query", where="kind = 'music'", fields=["price"], k=2)
    assert listed["items"] == [{"id": "guitar", "price": 40.0}, {"id": "violin", "price": 50.0}]
    assert listed["total"] == {"filter": 3}
    named = post(http, "/v1/items:query", ids=["piano", "nobody", "piano"])
    assert [thing["id"] for thing in named["items"]] == ["piano"]
    assert named["missing"] == ["nobody"]


def test_lines_are_sent_to_those_who_accept_them(http):
    answer = http.post("/v1/search", json={"queries": ["shoe", "guitar"], "k": 2}, headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    *hits, last = map(json.loads, answer.text.splitlines())
    assert [(hit["query"], hit["rank"]) for hit in hits] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert last["summary"]["total"]["filter"] == 10
    assert http.get("/version", headers={"Accept": "text/html"}).status_code == 200
    assert http.get("/v1/search?q=x", headers={"Accept": "text/html"}).status_code == 406


def test_the_same_again_is_not_sent_again(http):
    first = http.get("/v1/search?q=shoe")
    again = http.get("/v1/search?q=shoe", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_past_versions_answer_and_those_to_come_do_not(http, shop):
    assert post(http, "/v1/search", queries=["shoe"], version=shop.version)["version"] == shop.version
    assert "does not exist yet" in post(http, "/v1/search", 422, queries=["shoe"], version=10**6)["detail"]
    assert http.get("/v1/search?q=x", headers={"If-Version-At-Least": str(shop.version)}).status_code == 200


def test_the_service_tells_of_itself(http, shop):
    assert http.get("/health/live").text == http.get("/health/ready").text == "ok"
    assert http.get("/version").json()["catalogue"] == shop.version
    assert http.get("/v1/limits").json()["k"] == 1000
    told = http.get("/v1/info").json()
    assert told["things"] == 10
    assert "place" not in told
    text = http.get("/metrics").text
    assert 'nearkin_http_requests_total{method="GET",route="/v1/limits",status="200"}' in text
    assert "nearkin_items 10.0" in text
