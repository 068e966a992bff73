"""A small shop, served over real HTTP on a loopback port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
import uvicorn

from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.limits import HEAD_BYTES
from nearkin.tables import Catalog, Links
from tests.collection.conftest import goods

TAGS = {"shoe": ["red", "sport"], "boot": ["warm"], "hat": ["blue", "warm"], "guitar": [], "violin": None}


def shop_of(place) -> Collection:
    """Ten things, a field of lists, a field that is null, a number that is none, and what fourteen people did."""
    things = goods()
    names = things.id_list
    things = things.with_fields(
        {"tags": "category", "weight": "number"},
        tags=[TAGS.get(name, ["plain"]) for name in names],
        nothing=[None] * len(names),
        weight=[float("nan"), None, *[0.5 * row for row in range(len(names) - 2)]],
    )
    people = Catalog.of([f"u{n}" for n in range(14)])
    pairs = [(f"u{n}", item) for n in range(14) for item in (("shoe", "boot") if n % 2 else ("guitar", "violin"))]
    return Collection.build(place, things, links=Links.of_ids(people, things, pairs))


@contextmanager
def served(app, **more) -> Iterator[str]:
    """The address of an application, while it runs in a thread."""
    told = {"log_level": "warning", "access_log": False, "ws": "none", "http": "h11", "h11_max_incomplete_event_size": HEAD_BYTES}
    server = uvicorn.Server(uvicorn.Config(app, port=0, **told, **more))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service") / "shop"
    shop_of(folder)
    return folder


@pytest.fixture(scope="module")
def http(place) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the shop, without a key."""
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def shop(place) -> Collection:
    """The same shop without HTTP."""
    return Collection.open(place)
