"""All Debian packages, served by two workers behind a proxy with a prefix, over plain http under a name that is not this machine's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import data_folder
from tests.e2e.proxy import Proxy, behind
from tests.watching import CHROMIUM, tab_of

HOST, PREFIX = "packages.example", "/team/packages"
START_S = 300
Looks = Callable[..., AbstractContextManager[Any]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all of these, since the collection and the service are the dear part."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@dataclass
class Served:
    """`address`: as a browser sees it; `http`: asks the service itself, with every scope."""

    address: str
    proxy: Proxy
    http: httpx2.Client
    keys: dict[str, str]

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(path, params=params or None).raise_for_status().json()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if CHROMIUM is None:
        pytest.skip("these tests need Debian's chromium")
    if data_folder("catalog-debian") is None:
        pytest.skip("real data not here: catalog-debian (set NEARKIN_DATA to the folder that holds it)")
    from tests.e2e.packages import copy_to

    return copy_to(tmp_path_factory.mktemp("e2e") / "packages")


@pytest.fixture(scope="session")
def service(shop: Path) -> Iterator[Served]:
    from nearkin.service.keys import Keys
    from nearkin.service.state import State

    state = State(shop)
    keys = {"all": Keys(state).add(["read", "write", "admin"]), "read": Keys(state).add(["read"])}
    state.close()
    with serving(shop) as upstream, behind(upstream, PREFIX) as proxy:
        headers = {"Authorization": f"Bearer {keys['all']}"}
        with httpx2.Client(base_url=upstream, headers=headers, timeout=120, trust_env=False) as http:
            yield Served(f"http://{HOST}:{proxy.server_port}{PREFIX}", proxy, http, keys)


@contextmanager
def serving(shop: Path) -> Iterator[str]:
    """`nearkin serve` with two workers, while it runs."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "nearkin", "serve", shop, "--port", port, "--workers", 2, "--root-path", PREFIX]
    with open(shop.parent / "serve.log", "wb") as log:
        process = subprocess.Popen([str(each) for each in command], stderr=log, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"})
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < until, "the service did not become ready"
        try:
            if httpx2.get(f"{address}/health/ready", trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)


@pytest.fixture
def look(service: Served, browser: Any) -> Iterator[Looks]:
    """A tab at a path, with a key for everything unless told otherwise."""

    def at(path: str = "", *, key: str | None = "all", **more: Any) -> AbstractContextManager[Any]:
        return tab_of(browser, service.address, path, key=service.keys[key] if key else None, **more)

    yield at
    service.proxy.cut, service.proxy.slow = False, lambda path, body: 0.0
