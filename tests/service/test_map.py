"""The map over HTTP: its bytes say where each thing stands, its colours are the values, and a key sees only its part."""

import json
import shutil

import httpx2
import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from tests.service.conftest import served


def read(body):
    length = int.from_bytes(body[:4], "little")
    header = json.loads(body[4 : 4 + length])
    count, rest = header["count"], body[4 + length :]
    spots = np.frombuffer(rest[: 4 * count], "<u2").reshape(2, count).T
    codes = np.frombuffer(rest[4 * count :], np.uint8)
    return header, spots, codes


@pytest.fixture(scope="module")
def drawn(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("map") / "shop"
    shutil.copytree(place, folder)
    with Collection.open(folder) as shop:
        shop.lay_out()
    return folder


@pytest.fixture(scope="module")
def client(drawn):
    with served(create_app(drawn)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as made:
        yield made


def test_a_collection_without_a_map_says_how_to_draw_one(http):
    answer = http.get("/v1/map")
    assert answer.status_code == 404
    assert "nearkin layout" in answer.json()["detail"]


def test_points_stand_where_the_layout_has_them_by_one_scale(client, drawn):
    header, spots, codes = read(client.get("/v1/map").content)
    with Collection.open(drawn) as shop:
        places = shop.layout.places
        assert header["count"] == len(shop)
    assert not len(codes)
    assert spots.max() == 65535 or spots.min() == 0
    apart, wanted = np.ptp(spots.astype(float), axis=0), np.ptp(places, axis=0)
    assert np.allclose(apart / apart.max(), wanted / wanted.max(), atol=1e-3)


def test_colours_are_the_first_value_of_each_thing(client):
    names = [thing["id"] for thing in client.post("/v1/items:query", json={"k": 100}).json()["items"]]
    header, _, codes = read(client.get("/v1/map", params={"color": "tags"}).content)
    values = header["columns"][0]["values"]
    assert values[0] == "plain"
    assert values[codes[names.index("shoe")]] == "red"
    assert values[codes[names.index("hat")]] == "blue"
    assert codes[names.index("violin")] == codes[names.index("guitar")] == len(values)
    refused = client.get("/v1/map", params={"color": "title"})
    assert refused.status_code == 422
    assert "tags" in refused.json()["detail"]


def test_points_have_names(client):
    names = [thing["id"] for thing in client.post("/v1/items:query", json={"k": 100}).json()["items"]]
    told = client.post("/v1/map:things", json={"rows": [3, 0, 3]}).json()
    assert [thing["id"] for thing in told["things"]] == [names[3], names[0], names[3]]
    assert client.post("/v1/map:things", json={"rows": [99]}).status_code == 422


def test_a_map_that_is_known_is_not_sent_again(client):
    tag = client.get("/v1/map").headers["etag"]
    assert client.get("/v1/map", headers={"if-none-match": tag}).status_code == 304
    assert client.get("/v1/map", params={"color": "tags"}, headers={"if-none-match": tag}).status_code == 200


def test_a_key_with_a_filter_sees_its_part_alone(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "shop")
    app = create_app(tmp_path / "shop")
    key = app.app.app.state.service.keys.add(["read"], where="array_has(tags, 'warm')")
    with served(app) as address, httpx2.Client(base_url=address, trust_env=False) as client:
        headers = {"authorization": f"Bearer {key}"}
        assert read(client.get("/v1/map", headers=headers).content)[0]["count"] == 2
        told = client.post("/v1/map:things", json={"rows": [0, 1]}, headers=headers).json()
        assert {thing["id"] for thing in told["things"]} == {"boot", "hat"}
        assert client.post("/v1/map:things", json={"rows": [2]}, headers=headers).status_code == 422
