"""A small shop, served over real HTTP on a loopback port."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from nearkin.collection import Collection
from nearkin.service import handing
from nearkin.service.app import create_app
from nearkin.service.board import Board
from nearkin.service.limits import HEAD_BYTES
from nearkin.service.part import WRITER, Part
from nearkin.service.settings import Settings
from nearkin.tables import Catalog, Links
from tests.collection.conftest import goods

TAGS = {"shoe": ["red", "sport"], "boot": ["warm"], "hat": ["blue", "warm"], "guitar": [], "violin": None}


def shop_of(place, **told) -> Collection:
    """Ten things, a field of lists, a field that is null, a number that is none, and what fourteen people did; built as told."""
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
    return Collection.build(place, things, links=Links.of_ids(people, things, pairs), **told)


@contextmanager
def served(app, **more) -> Iterator[str]:
    """The address of an application, while it runs in a thread."""
    told = {"log_level": "warning", "access_log": False, "ws": "none", "http": "h11", "h11_max_incomplete_event_size": HEAD_BYTES}
    server = uvicorn.Server(uvicorn.Config(app, **{"port": 0, **told, **more}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    try:
        name = server.servers[0].sockets[0].getsockname()
        yield name if isinstance(name, str) else f"http://127.0.0.1:{name[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass
class Crew:
    """The processes of a service, each in a thread of this one: the addresses of its workers, and a writer that can be taken away."""

    place: Path
    run: Path
    settings: Settings
    addresses: list[str]
    parts: list[Any]

    @classmethod
    @contextmanager
    def of(cls, place: Path, workers: int = 2, **told: Any) -> Iterator[Crew]:
        run = Path(tempfile.mkdtemp())
        Board.create(run, 1 + workers).close()
        with ExitStack() as stack:
            crew = cls(place, run, Settings(workers=workers, **told), [], [])
            stack.callback(shutil.rmtree, run)
            crew.writer = stack.enter_context(ExitStack())
            crew.start_writer()
            for number in range(1, 1 + workers):
                app = crew.app(number)
                crew.addresses.append(stack.enter_context(served(app, root_path=crew.settings.root_path)))
            yield crew

    def app(self, number: int):
        part = Part(self.run, number, Board(self.run))
        self.parts.append(create_app(self.place, settings=self.settings, part=part))
        return self.parts[-1]

    def start_writer(self) -> None:
        told = {"uds": str(self.run / handing.NAME), "root_path": self.settings.root_path, "timeout_keep_alive": 3600}
        self.writer.enter_context(served(self.app(WRITER), **told))

    def stop_writer(self) -> None:
        self.writer.close()


def pytest_generate_tests(metafunc):
    """Modules with BOTH are run against one process, and against a writer and two workers of which each answers every other request."""
    if "model" in metafunc.fixturenames and getattr(metafunc.module, "BOTH", False):
        metafunc.parametrize("model", ["one", "workers"], scope="module", indirect=True)


@pytest.fixture(scope="module")
def model(request):
    return getattr(request, "param", "one")


class Alternating(httpx2.HTTPTransport):
    """Sends each request elsewhere than the one before."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__()
        self.ports = [httpx2.URL(address).port for address in addresses]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.ports.reverse()
        request.url = request.url.copy_with(port=self.ports[0])
        return super().handle_request(request)


@pytest.fixture(scope="module")
def place(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("service") / "shop"
    shop_of(folder)
    return folder


@pytest.fixture(scope="module")
def http(place, model) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the shop, without a key."""
    if model == "workers":
        with Crew.of(place) as crew, Alternating(crew.addresses) as line:
            yield httpx2.Client(base_url=crew.addresses[0], timeout=30, transport=line)
        return
    with served(create_app(place)) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def shop(place) -> Collection:
    """The same shop without HTTP."""
    return Collection.open(place)
