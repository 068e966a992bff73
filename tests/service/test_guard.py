"""What stands before every request: room, health that never waits, headers, and faults that tell nothing away."""

from __future__ import annotations

import asyncio
import sqlite3

import httpx2
import pytest

from nearkin.errors import BadInput
from nearkin.service.access import ALL
from nearkin.service.guard import Guard
from nearkin.service.metrics import Metrics
from nearkin.service.problems import problem_of
from nearkin.service.rooms import Room


class Slow:
    """An application that answers when it is let go."""

    def __init__(self):
        self.go, self.inside = asyncio.Event(), 0

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/broken":
            raise RuntimeError("the secret is 42")
        if not scope["path"].startswith("/health/"):
            self.inside += 1
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def around(app, running=1, waiting=1):
    metrics = Metrics()
    guard = Guard(app, who=lambda headers, client: ALL, room=Room(running, waiting), metrics=metrics)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=guard), base_url="http://localhost"), guard


def test_those_without_room_are_turned_away_and_health_is_not():
    async def run():
        slow = Slow()
        client, guard = around(slow)
        first, second = (asyncio.create_task(client.get("/v1/search")) for _ in range(2))
        while not slow.inside or not guard.room.waiting:
            await asyncio.sleep(0)
        turned = await client.get("/v1/search")
        alive = await client.get("/health/live")
        slow.go.set()
        assert [(await first).status_code, (await second).status_code] == [200, 200]
        assert (await client.get("/v1/search")).status_code == 200
        text = guard.metrics.text().decode()
        await client.aclose()
        return turned, alive, text

    turned, alive, text = asyncio.run(run())
    assert (turned.status_code, turned.headers["retry-after"], turned.json()["title"]) == (503, "1", "Service Unavailable")
    assert turned.headers["content-type"] == "application/problem+json"
    assert alive.status_code == 200
    assert 'nearkin_rejected_total{reason="503"} 1.0' in text


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_fault_is_told_without_its_secrets(caplog):
    async def run():
        client, _ = around(Slow())
        answer = await client.get("/broken")
        await client.aclose()
        return answer

    answer = asyncio.run(run())
    assert answer.status_code == 500
    assert "42" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "the secret is 42" in caplog.text  # the log alone has it


def test_every_answer_bears_the_headers_of_safety(http):
    for path in ("/health/live", "/version", "/nowhere"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers or headers["server"] != "nearkin"


FULL = [OSError(28, "No space left on device"), sqlite3.OperationalError("database or disk is full"), BadInput("x: File too large")]


@pytest.mark.parametrize("error", FULL)
def test_a_disk_that_is_full_is_told_as_such_and_names_no_path(error):
    problem = problem_of(error)
    assert (problem.status, problem.detail) == (507, "the disk is full; nothing was changed")
