"""Judging that feeds evaluation: what was judged becomes a report with intervals, verdicts, times, and queries won and lost."""

from __future__ import annotations

import httpx2
import numpy as np
import pytest

from nearkin.evaluation import evaluate
from nearkin.metrics.intervals import paired_bootstrap
from nearkin.service.app import create_app
from nearkin.service.jobs import DONE, FAILED
from nearkin.tables import Catalog, Data, Links
from tests.service.conftest import served
from tests.service.test_jobs import start, wait

JUDGED = [
    ("red running shoe", "shoe", 3), ("red running shoe", "hat", 0), ("acoustic guitar", "guitar", 3), ("acoustic guitar", "violin", 1),
    ("something warm", "boot", 2), ("a thing with strings", "violin", 2), ("gone", "shoe", 0),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged(place, http):
    """The id of a report on what was judged."""
    assert http.get("/v1/reports").json() == {"reports": [], "judged": {"queries": 0, "judgements": 0, "fitting": 0}, "job": None}
    failed = wait(http, start(http, kind="evaluate"))
    assert (failed["state"], "grade of 1 to 3" in failed["problem"]) == (FAILED, True)
    assert http.get("/v1/reports").json()["job"]["problem"] == failed["problem"]
    for query, item, grade in JUDGED:
        assert http.put("/v1/judgements", json={"query": query, "item": item, "grade": grade}).status_code == 200
    told = wait(http, start(http, kind="evaluate"))
    assert told["state"] == DONE, told
    return told["result"]["report"]


def test_the_report_says_what_evaluation_says(http, shop, judged):
    told = http.get(f"/v1/reports/{judged}").json()
    assert (told["source"], told["queries"], told["judgements"]) == ("kept", 4, 7)
    texts = list(dict.fromkeys(query for query, *_ in JUDGED))
    queries = Catalog.of(texts, text=texts)
    data = Data(name="shop", items=shop.catalog, queries=queries, truth=Links.qrels(queries, shop.catalog, JUDGED))
    stages = {"words": shop.stage("words"), "meaning": shop.stage("meaning"), "all": shop.stage()}
    direct = evaluate(stages, data, told["metrics"])
    figures = {(each["system"], each["metric"]): each for each in told["figures"]}
    assert len(figures) == len(told["metrics"]) * len(stages)
    for (system, metric), figure in figures.items():
        values = direct.values[system][metric].values
        assert figure["mean"] == pytest.approx(values.mean())
        assert (figure["low"], figure["high"]) == pytest.approx(paired_bootstrap(values, np.zeros(len(values))))
    verdict = next(each for each in told["verdicts"] if (each["metric"], each["rival"]) == ("nDCG@10", "meaning"))
    assert verdict["difference"] == pytest.approx(direct.mean("words", "nDCG@10") - direct.mean("meaning", "nDCG@10"))
    assert verdict["low"] <= verdict["difference"] <= verdict["high"]
    assert len(told["verdicts"]) == 3 * len(told["metrics"])


def test_the_curve_rises_with_depth_and_takes_time(http, judged):
    curve = http.get(f"/v1/reports/{judged}").json()["curve"]
    for system in ("words", "meaning", "all"):
        points = [each for each in curve if each["system"] == system]
        assert [each["k"] for each in points] == [1, 3, 10]
        recalls = [each["recall"] for each in points]
        assert recalls == sorted(recalls)
        assert all(0 < each["ms"] <= each["p95_ms"] for each in points)


def test_queries_won_and_lost_add_up(http, judged):
    both = [
        http.get(f"/v1/reports/{judged}", params={"metric": "nDCG@10", "a": a, "b": b}).json()
        for a, b in (("words", "meaning"), ("meaning", "words"))
    ]
    one, other = (told["against"] for told in both)
    assert [each["query"] for each in one["won"]] == [each["query"] for each in other["lost"]]
    assert len(one["won"]) + len(one["lost"]) + one["equal"] == 4
    assert one["won"] or one["lost"]
    mean = {each["system"]: each["mean"] for each in both[0]["figures"] if each["metric"] == "nDCG@10"}
    assert sum(each["difference"] for each in one["won"] + one["lost"]) / 4 == pytest.approx(mean["words"] - mean["meaning"])


def test_reports_are_listed_and_what_is_not_there_is_refused(http, judged):
    listed = http.get("/v1/reports").json()
    assert [each["id"] for each in listed["reports"]] == [judged]
    assert (listed["job"], listed["judged"]["fitting"]) == (None, 5)
    assert http.get("/v1/reports/nobody").status_code == 404
    assert http.get(f"/v1/reports/{judged}", params={"metric": "nDCG@10"}).status_code == 422
    wrong = http.get(f"/v1/reports/{judged}", params={"metric": "nDCG@10", "a": "wrds", "b": "all"}).json()
    assert wrong["errors"][0]["did_you_mean"] == "words"
    assert http.post("/v1/jobs", json={"kind": "evaluate", "queries": [{"id": "q", "text": "x"}]}).status_code == 422


def test_reports_outlive_the_service_and_are_kept_from_those_who_see_a_part(place, judged):
    app = create_app(place)
    keys = app.app.app.state.service.keys
    whole, part = keys.add(["read"]), keys.add(["read"], where="price < 50")
    with served(app) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as again:
        for key, status in ((whole, 200), (part, 403)):
            headers = {"Authorization": f"Bearer {key}"}
            assert again.get(f"/v1/reports/{judged}", headers=headers).status_code == status
            assert again.get("/v1/reports", headers=headers).status_code == status
        for key in (whole, part):
            keys.remove(key.split("_")[1])


def test_a_slice_is_a_report_of_its_queries_alone(http, shop):
    short, long = ["shoe", "boot", "hat", "guitar", "violin", "lamp"], ["shoe", "boot", "guitar", "violin", "lamp"]
    texts = [*short, *(f"please find me one {name}" for name in long)]
    judged = [{"query": f"q{at}", "item": name, "grade": 1} for at, name in enumerate([*short, *long])]
    queries = [{"id": f"q{at}", "text": text} for at, text in enumerate(texts)]
    told = wait(http, start(http, kind="evaluate", queries=queries, judgements=judged, metrics=["MRR"]))
    assert told["state"] == DONE, told
    address = f"/v1/reports/{told['result']['report']}"
    told = http.get(address).json()
    assert [(each["name"], each["queries"]) for each in told["slices"]] == [("one word", 6), ("four words or more", 5)]
    for at, whole in enumerate(told["figures"]):
        parts = [each["figures"][at] for each in told["slices"]]
        assert {(each["metric"], each["system"]) for each in parts} == {(whole["metric"], whole["system"])}
        assert (6 * parts[0]["mean"] + 5 * parts[1]["mean"]) / 11 == pytest.approx(whole["mean"])
        assert all(each["low"] <= each["mean"] <= each["high"] for each in parts)
    pair = {"metric": "MRR", "a": "words", "b": "meaning"}
    one = http.get(address, params={**pair, "slice": "one word"}).json()["against"]
    assert len(one["won"]) + len(one["lost"]) + one["equal"] == 6
    assert all(" " not in each["query"] for each in one["won"] + one["lost"])
    assert http.get(address, params={"slice": "long"}).status_code == 422
