"""The forms of an answer, and hits that are unlike each other."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from nearkin.service.forms import ARROW, JSON, NDJSON, chosen, formed
from nearkin.service.problems import Problem

ASKED = {"queries": ["shoe boot hat", "guitar"], "k": 4, "explain": True}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", JSON),
        ("", JSON),
        (f"{NDJSON}, {JSON};q=0.5", NDJSON),
        (f"{NDJSON};q=0.1, {ARROW}", ARROW),
        (f"text/html, {ARROW};q=nonsense", ARROW),
        (f"{JSON};q=0, {NDJSON}", NDJSON),
        ("text/html, application/*;q=0.1", JSON),
    ],
)
def test_the_form_wanted_most_is_chosen(accept, form):
    assert chosen(accept) == form


def test_a_form_nobody_writes_is_refused():
    for accept in ("text/html", "image/png, text/*", f"{JSON};q=0"):
        with pytest.raises(Problem, match="answers are"):
            chosen(accept)


def test_all_forms_say_the_same(http):
    told, lines, table = (http.post("/v1/search", json=ASKED, headers={"Accept": form}) for form in (JSON, NDJSON, ARROW))
    assert [told.headers["content-type"], table.headers["content-type"]] == [JSON, ARROW]
    rows = [{"query": query, **hit} for query, hits in enumerate(told.json()["hits"]) for hit in hits]
    *found, last = map(json.loads, lines.text.splitlines())
    assert found == rows
    assert last["summary"]["total"] == told.json()["total"]
    read = pa.ipc.open_stream(table.content).read_all()
    assert read["id"].to_pylist() == [row["id"] for row in rows]
    assert read["score"].to_pylist() == [row["score"] for row in rows]
    assert read["fields.tags"].to_pylist() == [row["fields"]["tags"] for row in rows]
    assert [json.loads(why) for why in read["why"].to_pylist()] == [row["why"] for row in rows]
    assert json.loads(read.schema.metadata[b"nearkin"])["total"] == told.json()["total"]
    items = http.post("/v1/items:query", json={"k": 3, "fields": ["title"]}, headers={"Accept": ARROW})
    assert pa.ipc.open_stream(items.content).read_all().num_rows == 3


def test_a_table_holds_what_differs_from_row_to_row_as_json():
    body = {"version": 1, "items": [{"id": "a", "odd": 1}, {"id": "b", "odd": "x"}, {"id": "c", "odd": None}]}
    assert pa.ipc.open_stream(formed(body, ARROW)).read_all()["odd"].to_pylist() == ["1", '"x"', None]
    assert pa.ipc.open_stream(formed({"version": 1, "hits": []}, ARROW)).read_all().num_rows == 0


def ids(http, **more):
    return [hit["id"] for hit in http.post("/v1/search", json={"queries": ["shoe boot hat guitar"], **more}).json()["hits"][0]]


def test_diversity_reorders_one_list_that_pages_are_still_cut_from(http):
    plain = http.post("/v1/search", json={"queries": ["shoe boot hat guitar"], "k": 10, "facets": ["tags"], "explain": True}).json()
    varied = http.post(
        "/v1/search", json={"queries": ["shoe boot hat guitar"], "k": 10, "facets": ["tags"], "explain": True, "diversity": 0.9}
    ).json()
    assert "hits" in varied, (plain, varied)
    assert {hit["id"]: hit["score"] for hit in varied["hits"][0]} == {hit["id"]: hit["score"] for hit in plain["hits"][0]}
    assert [hit["id"] for hit in varied["hits"][0]] != [hit["id"] for hit in plain["hits"][0]]
    assert [hit["rank"] for hit in varied["hits"][0]] == list(range(1, len(varied["hits"][0]) + 1))
    assert (varied["total"], varied["facets"]) == (plain["total"], plain["facets"])
    for hit in varied["hits"][0]:
        assert sum(hit["why"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-6)
    whole = ids(http, diversity=0.9, k=10)
    assert [each for offset in range(0, 10, 2) for each in ids(http, diversity=0.9, k=2, offset=offset)] == whole
    assert ids(http, diversity=0, k=9) == ids(http, k=9)
    assert http.get("/v1/search", params={"q": "shoe boot hat guitar", "k": 9, "diversity": 0.9}).json()["hits"] is not None
    assert http.post("/v1/search", json={"queries": ["x"], "diversity": 1.5}).status_code == 422


def test_the_first_hits_grow_unlike_each_other(http, shop):
    """The mean cosine among the first four, by the vectors of the stage itself, falls from no diversity to all of it."""
    stage = shop.stage("meaning")
    from nearkin.collection.texts import searchable

    def likeness(names):
        vectors = stage.encoder(searchable(shop.catalog.take(shop.catalog.rows_of(names)))).rows
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors @ vectors.T)[np.triu_indices(len(names), 1)].mean()

    assert likeness(ids(http, k=4, diversity=1)) < likeness(ids(http, k=4))


def test_similar_and_recommend_take_diversity_too(http):
    for path, asked in (("/v1/similar", {"ids": ["shoe", "hat"]}), ("/v1/recommend", {"after": ["shoe"]})):
        plain, varied = (http.post(path, json={**asked, "k": 5, **more}).json()["hits"] for more in ({}, {"diversity": 0.9}))
        assert [len(hits) for hits in plain] == [len(hits) for hits in varied]
        assert [hits[0]["id"] for hits in plain] == [hits[0]["id"] for hits in varied]  # the best stays first
