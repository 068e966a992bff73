"""Every error is a problem with a pointer, nothing makes the service fail, and the OpenAPI says all of it."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BOTH = True  # see conftest

AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "told", "status", "pointer", "says"),
    [
        ("GET", "/nowhere", {}, 404, None, "nothing at this path"),
        ("DELETE", "/v1/search", {}, 405, None, "DELETE"),
        ("POST", "/v1/search", {"content": b"{", "headers": AS_JSON}, 400, "", "no JSON"),
        ("POST", "/v1/search", {"content": b"q=x", "headers": {"Content-Type": "text/plain"}}, 415, None, "text/plain"),
        ("POST", "/v1/search", {"json": {}}, 422, "/queries", "required"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "wher": "x"}}, 422, "/wher", "not known"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "k": 0}}, 422, "/k", "greater"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "k": "3"}}, 422, "/k", "integer"),
        ("POST", "/v1/search", {"json": {"queries": ["x", 3]}}, 422, "/queries/1", "string"),
        ("POST", "/v1/search", {"json": {"queries": ["x", {"id": "nobody"}]}}, 422, "/queries/1/id", "nobody"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "where": "prize < 3"}}, 422, "/where", "no field 'prize'"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "stage": "word"}}, 422, "/stage", "no stage 'word'"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "fields": ["titel"]}}, 422, "/fields/0", "no field 'titel'"),
        ("POST", "/v1/search", {"json": {"queries": ["x"] * 257}}, 422, "/queries", "256"),
        ("POST", "/v1/search", {"json": {"queries": ["x"], "min_relevance": 0.5}}, 422, None, "calibrated"),
        ("POST", "/v1/search", {"content": b'{"queries": ["\\ud800"]}', "headers": AS_JSON}, 422, "/queries/0", "unicode"),
        ("POST", "/v1/search", {"content": b"[" * 100_000, "headers": AS_JSON}, 400, None, "parsing"),
        ("POST", "/v1/similar", {"json": {"ids": ["nobody"]}}, 422, "/ids/0", "nobody"),
        ("POST", "/v1/recommend", {"json": {}}, 422, "", "either"),
        ("POST", "/v1/compare", {"json": {"query": "x", "a": "words", "b": "sense"}}, 422, "/b", "no stage 'sense'"),
        ("GET", "/v1/items/nobody", {}, 404, None, "nobody"),
        ("GET", "/v1/items/%00%F0%9F", {}, 404, None, "no thing"),
        ("POST", "/v1/search", {"content": b"x" * (17 << 20), "headers": AS_JSON}, 413, None, "16,777,216"),
    ],
)  # fmt: skip
def test_every_error_is_a_problem(http, method, path, told, status, pointer, says):
    answer = http.request(method, path, **told)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() == {"type", "title", "status", "detail", "request_id", "errors"}
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert says in body["detail"] or any(says in flaw["message"] for flaw in body["errors"])
    if pointer is not None:
        assert pointer in [flaw["pointer"] for flaw in body["errors"]]


def test_errors_name_the_nearest_and_the_place(http):
    flaw = http.post("/v1/search", json={"queries": ["x"], "wher": "x"}).json()["errors"][0]
    assert flaw["did_you_mean"] == "where"
    flaw = http.post("/v1/search", json={"queries": ["x"], "where": "kind = 'a' and prise < 3"}).json()["errors"][0]
    assert (flaw["column"], flaw["did_you_mean"]) == (16, "price")
    flaw = http.get("/v1/search?q=x&kk=3").json()["errors"][0]
    assert (flaw["parameter"], flaw["did_you_mean"]) == ("kk", "k")


def test_a_body_that_hides_its_length_is_cut_off(http):
    answer = http.post("/v1/search", content=(b"x" * (1 << 20) for _ in range(20)), headers=AS_JSON)
    assert answer.status_code == 413


def test_the_longest_filter_fits_into_a_query_string(http):
    plain = HTTPConnection(http.base_url.host, http.base_url.port)  # the usual client sends no address of this length
    for where, status in [("kind = '" + "\U0001f3ba" * 2_040 + "'", 200), ("\U0001f3ba" * 8_192, 422)]:
        plain.request("GET", "/v1/search?" + urlencode({"q": "x", "where": where}))
        answer = plain.getresponse()
        answer.read()
        assert answer.status == status
    plain.close()


def test_a_plain_request_id_is_kept_and_an_odd_one_replaced(http):
    assert http.get("/version", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert http.get("/version", headers={"X-Request-Id": "a b{}"}).headers["x-request-id"] != "a b{}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
NAMES = ["queries", "query", "ids", "id", "after", "histories", "k", "offset", "where", "stage", "fields", "facets", "explain", "cursor"]
NAMES += ["a", "b", "version", "timeout_ms", "min_relevance", "highlight"]
GOOD = st.fixed_dictionaries(
    {},
    optional={
        "queries": st.lists(st.text(max_size=20) | st.fixed_dictionaries({"id": st.sampled_from(["shoe", "x"])}), max_size=3),
        "ids": st.lists(st.sampled_from(["shoe", "hat", "x"]), max_size=3),
        "after": st.lists(st.text(max_size=5), max_size=3),
        "query": st.text(max_size=20),
        "id": st.sampled_from(["shoe", "", "\x00"]),
        "a": st.sampled_from(["words", "all"]),
        "b": st.sampled_from(["meaning", "no"]),
        "k": st.integers(-1, 1001),
        "offset": st.integers(-1, 10_001),
        "where": st.sampled_from(
            ["price > 3", "price >", "kind like '%\\'", "\x00", "new", "", "price = 1e999", "price < 99999999999999999999"]
        ),
        "fields": st.lists(st.sampled_from(["price", "title", "nope"]), max_size=3),
        "facets": st.lists(st.sampled_from(["kind", "price", "tags", "nothing"]), max_size=3),
        "timeout_ms": st.integers(0, 60_001),
    },
)
BODIES = GOOD | st.builds(lambda one, more: {**one, **more}, GOOD, st.dictionaries(st.sampled_from(NAMES), JSON, max_size=2)) | JSON
PATHS = ["/v1/search", "/v1/similar", "/v1/recommend", "/v1/explain", "/v1/compare", "/v1/items:query"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=BODIES)
def test_no_body_makes_it_fail(http, path, body):
    content = json.dumps(body).encode()
    answer = http.post(path, content=content, headers=AS_JSON)
    assert answer.status_code in (200, 400, 422, 504), answer.text
    if answer.status_code != 200:
        assert answer.json()["status"] == answer.status_code


def test_the_openapi_says_what_is_refused(http):
    schema = http.get("/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    names = [route["operationId"] for path in schema["paths"].values() for route in path.values()]
    assert len(names) == len(set(names))
    assert {"search", "similar", "recommend", "explain", "compare", "items", "get"} <= set(names)
    for path in schema["paths"].values():
        for route in path.values():
            reference = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            if reference:
                assert schema["components"]["schemas"][reference.rsplit("/")[-1]]["additionalProperties"] is False
            assert route["responses"].get("422", {"$ref": "#/components/responses/invalid"}) == {"$ref": "#/components/responses/invalid"}
    asked = schema["components"]["schemas"]["SearchRequest"]["properties"]
    assert (asked["k"]["maximum"], asked["queries"]["maxItems"], asked["offset"]["maximum"]) == (1000, 256, 10000)
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    assert schema["security"] == [{"key": []}, {}]
    assert schema["paths"]["/health/live"]["get"]["security"] == []
