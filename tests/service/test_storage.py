"""What happens on the disk and beside it: storage that fails, records that must hold together, other processes that write."""

from __future__ import annotations

import logging

import httpx2
import pytest

from nearkin.collection import Collection, store
from nearkin.errors import Busy
from nearkin.service import changes
from nearkin.service.app import create_app
from nearkin.service.changes import Condition
from nearkin.service.jobs import CANCELLED
from nearkin.service.problems import Problem
from nearkin.service.replies import Replies
from nearkin.service.view import View
from tests.service.conftest import served, shop_of


@pytest.fixture
def place(tmp_path):
    shop_of(tmp_path / "shop").close()
    return tmp_path / "shop"


def broken(*_args, **_named):
    raise OSError(5, "Input/output error: /secret/folder/catalog.lance/data/0.lance, /root/src/file.rs:12")


def test_storage_that_fails_is_told_without_its_place_and_reads_go_on(place, monkeypatch, caplog):
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as http:
        monkeypatch.setattr(store, "write_fragments", broken)
        with caplog.at_level(logging.ERROR, "nearkin.service"):
            for method, path in (("PUT", "/v1/items/gull"), ("PATCH", "/v1/items/boot")):
                answer = http.request(method, path, json={"title": "a gull"})
                assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
                assert int(answer.headers["retry-after"]) > 0
                assert "/secret" not in answer.text
                assert str(place) not in answer.text
        assert "Input/output error" in caplog.text
        assert http.get("/v1/search?q=boot").status_code == 200
        monkeypatch.undo()
        assert http.put("/v1/items/gull", json={"title": "a gull"}).status_code == 201


def test_a_job_and_its_answer_are_one_record(place, monkeypatch):
    app = create_app(place)
    with served(app) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as http:
        once = {"json": {"kind": "tune", "minutes": 5}, "headers": {"Idempotency-Key": "once"}}
        with monkeypatch.context() as patch:  # as if the process had ended between the two
            patch.setattr(Replies, "end", broken)
            assert http.post("/v1/jobs", **once).status_code == 500
            assert http.get("/v1/jobs").json()["jobs"] == []
        first, again = http.post("/v1/jobs", **once), http.post("/v1/jobs", **once)
        assert (first.status_code, first.json()) == (202, again.json())
        assert first.headers["location"] == again.headers["location"]
        assert len(http.get("/v1/jobs").json()["jobs"]) == 1
        assert http.delete(first.headers["location"]).json()["state"] == CANCELLED


@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_a_condition_holds_against_what_another_process_wrote_a_moment_ago(place, verb):
    with Collection.open(place) as shop, Collection.open(place) as other:
        seen = View(shop.view())
        etag = seen.etag(seen.row("boot", None))
        boot = seen.catalog.take(seen.catalog.rows_of(["boot"]))
        other.add(boot.with_fields({"price": "number"}, price=[99.0]))
        told = {"put": ({"id": "boot", "title": "x"},), "patch": ({"title": "x"},), "delete": ()}[verb]
        with pytest.raises(Problem, match="changed since"):
            getattr(changes, verb)(shop, seen, "boot", *told, Condition(match=etag))
        if verb == "patch":  # what the other wrote is not undone
            changes.patch(shop, seen, "boot", {"title": "x"}, Condition())
            thing = next(iter(shop.catalog.take(shop.catalog.rows_of(["boot"]))))
            assert (thing["title"], thing["price"]) == ("x", 99.0)


def test_nobody_writes_between_a_condition_and_its_write(place, monkeypatch):
    with Collection.open(place) as shop, Collection.open(place) as other:
        view = View(shop.view())
        tried = []

        def check(*_args):
            with pytest.raises(Busy):
                other.remove(["boot"], wait_s=0.05)
            tried.append(True)

        monkeypatch.setattr(Condition, "check", check)
        changes.put(shop, view, "boot", {"id": "boot", "title": "x"}, Condition())
        assert tried
        other.remove(["boot"])
