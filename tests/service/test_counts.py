"""Counts and lists that do not depend on the page, and parts that sum to the score: over every k, offset, stage, verb and filter."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.limits import POOL
from nearkin.tables import Catalog, Links
from tests.service.conftest import served

THINGS = 260
WORDS = ("red", "shoe", "warm", "boot", "blue", "hat", "old", "guitar", "loud", "violin", "thick", "novel")
WHERES = (None, "price < 100", "kind = 'music' AND price > 20", "array_has(tags, 'x1')", "price < 0")
STAGES = (None, "all", "words", "meaning")
VERBS = {
    "search": [{"queries": [text]} for text in ("red shoe", "old loud guitar", "hat", "nothing like it", "")],
    "similar": [{"ids": [f"t{n}"]} for n in (0, 17, 259)],
    "recommend": [{"after": after} for after in (["t1"], ["t3", "t40", "t3"], [])],
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A shop with more things than the pool of a search holds."""
    names = [f"t{n}" for n in range(THINGS)]
    catalog = Catalog.of(
        names, title=[f"{WORDS[n % 12]} {WORDS[n * 5 % 12]} {WORDS[n * 7 % 11]} {n % 9}" for n in range(THINGS)]
    ).with_fields(
        {"kind": "category", "tags": "category", "price": "number"},
        kind=["music" if n % 3 else "wear" for n in range(THINGS)],
        tags=[None if n % 7 == 0 else [f"x{n % 3}", "plain"] for n in range(THINGS)],
        price=[None if n % 11 == 0 else float(n) for n in range(THINGS)],
    )
    people = Catalog.of([f"u{n}" for n in range(40)])
    links = Links.of_ids(people, catalog, [(f"u{n}", names[n * step % THINGS]) for n in range(40) for step in (1, 3, 7, 11)])
    folder = tmp_path_factory.mktemp("counts") / "shop"
    with Collection.build(folder, catalog, links=links):
        pass
    with served(create_app(folder)) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


def ask(http, verb, body, **more):
    stage = {} if verb == "recommend" else {"stage": more.pop("stage", None)}
    more.pop("stage", None)
    answer = http.post(f"/v1/{verb}", json={**body, **stage, **more, "timeout_ms": 60_000})
    assert answer.status_code == 200, answer.text
    return answer.json()


QUESTIONS = st.sampled_from([(verb, body) for verb, bodies in VERBS.items() for body in bodies])
KS = st.sampled_from([1, 7, 99, 100, 101, 1000]) | st.integers(1, 1000)
OFFSETS = st.sampled_from([0, 1, 99, 100, 250, 10_000]) | st.integers(0, 300)
PAGES = st.tuples(KS, OFFSETS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=QUESTIONS, stage=st.sampled_from(STAGES), where=st.sampled_from(WHERES), page=PAGES, diversity=st.sampled_from([0, 0, 0.6]))
def test_counts_and_lists_are_the_same_for_every_page(wide, question, stage, where, page, diversity):
    (verb, body), (k, offset) = question, page
    told = {"stage": stage, "where": where, "facets": ["kind", "tags"], "fields": []}
    whole = ask(wide, verb, body, k=1000, **told)
    found = ask(wide, verb, body, k=k, offset=offset, diversity=diversity, **told)
    assert found["total"] == whole["total"]
    assert found["facets"] == whole["facets"]
    assert found["total"]["relevant"] <= POOL
    ids = [hit["id"] for hit in whole["hits"][0]]
    if not diversity:
        assert [hit["id"] for hit in found["hits"][0]] == ids[offset : offset + k]
        assert [hit["rank"] for hit in found["hits"][0]] == list(range(offset + 1, offset + 1 + len(found["hits"][0])))
    assert len(set(ids)) == len(ids) <= whole["total"]["filter"]
    for name, values in found["facets"].items():
        assert sum(value["n"] for value in values) <= (2 if name == "tags" else 1) * found["total"]["relevant"]
        assert all(value["n"] <= value["n_filter"] <= found["total"]["filter"] for value in values)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=QUESTIONS, stage=st.sampled_from(STAGES), where=st.sampled_from(WHERES), offset=st.sampled_from([0, 3, 95, 240]))
def test_the_parts_of_a_reason_sum_to_the_score(wide, question, stage, where, offset):
    verb, body = question
    for hit in ask(wide, verb, body, k=20, offset=offset, stage=stage, where=where, explain=True)["hits"][0]:
        assert sum(hit["why"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-6), hit


def test_explain_alone_says_the_same_as_the_search(wide):
    for stage in STAGES:
        hits = ask(wide, "search", {"queries": ["red shoe"]}, k=5, stage=stage, explain=True)["hits"][0]
        for hit in hits:
            told = wide.post("/v1/explain", json={"query": "red shoe", "id": hit["id"], "stage": stage}).json()
            assert (told["rank"], told["score"]) == (hit["rank"], hit["score"])
            assert sum(told["why"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-6)
