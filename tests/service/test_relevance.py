"""The cut below which hits are not relevant, over HTTP as in the collection."""

from __future__ import annotations

import httpx2
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from tests.collection.test_relevance import judgements, shop
from tests.service.conftest import served

QUERIES = ["red shoe", "a lamp please", "quantum chromodynamics of hadrons"]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    found = Collection.build(tmp_path_factory.mktemp("relevance") / "shop", shop())
    found.calibrate(judgements(found.catalog))
    return found


@pytest.fixture(scope="module")
def http(calibrated):
    with served(create_app(calibrated.place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client


def ask(http, **body):
    answer = http.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_cut_is_that_of_the_collection(http, calibrated):
    for least in (0.0, 0.3, 0.5, 0.9):
        answer = ask(http, queries=QUERIES, k=10, min_relevance=least)
        exact = calibrated.search(QUERIES, k=10, min_relevance=least, explain=True)
        assert [[hit["id"] for hit in page] for page in answer["hits"]] == exact.ids()
        theirs = [one.why["relevance"] for one in exact]
        assert [hit["relevance"] for page in answer["hits"] for hit in page] == pytest.approx(theirs, abs=1e-5)
        assert all(hit["relevance"] >= least for page in answer["hits"] for hit in page)


def test_what_is_relevant_is_counted_whatever_the_page(http):
    whole = ask(http, queries=["red shoe"], k=1000, min_relevance=0.5, explain=True)
    page = ask(http, queries=["red shoe"], k=2, offset=1, min_relevance=0.5, explain=True)
    assert whole["total"] == page["total"] != ask(http, queries=["red shoe"])["total"]
    assert whole["total"]["relevant"] == len(whole["hits"][0])
    assert page["hits"][0] == whole["hits"][0][1:3]
    for hit in whole["hits"][0]:
        assert sum(hit["why"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-6)
    assert ask(http, queries=[QUERIES[2]], min_relevance=0.5)["total"]["relevant"] == 0


def test_the_line_stands_after_the_last_hit_that_may_fit_whatever_the_page(http):
    whole = ask(http, queries=QUERIES, k=100, cut=0.05)
    for page, cut in zip(whole["hits"], whole["cuts"], strict=True):
        assert all(hit["relevance"] < 0.05 for hit in page[cut["rank"] :])
        assert cut["rank"] == 0 or page[cut["rank"] - 1]["relevance"] >= 0.05
        assert cut["rank"] + cut["under"] == len(page)
    assert [cut["rank"] > 0 for cut in whole["cuts"]] == [True, True, False]
    assert ask(http, queries=QUERIES, k=3, offset=5, cut=0.05)["cuts"] == whole["cuts"]
    assert ask(http, queries=QUERIES, k=3)["cuts"] is None


def test_what_was_never_calibrated_has_no_line(http, tmp_path):
    assert http.get("/v1/info").json()["calibrated"] is True
    place = tmp_path / "plain"
    Collection.build(place, shop())
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as plain:
        assert plain.get("/v1/info").json()["calibrated"] is False
        refused = plain.post("/v1/search", json={"queries": ["lamp"], "cut": 0.05})
        assert (refused.status_code, "never calibrated" in refused.json()["detail"]) == (422, True)
