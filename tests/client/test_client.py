"""How a client meets a bad line: sent again, done once, and errors that say what to do."""

from __future__ import annotations

import subprocess
import sys

import httpx2
import pytest

import nearkin
from nearkin.client.sending import Got, attempts
from nearkin.errors import BadInput, Busy, NearkinError
from nearkin.tables import Catalog

OK = Got(200, b'{"version": 3}', {"content-type": "application/json"})
PROBLEM = b'{"detail": "no field", "errors": [{"message": "at 3", "pointer": "/where"}]}'


def through(*outcomes):
    """What comes of these outcomes in turn: the result, and how long was waited before each attempt."""
    steps = attempts()
    waits = [next(steps)]
    for outcome in outcomes:
        try:
            waits.append(steps.send(outcome))
        except StopIteration as done:
            return done.value, waits
    raise AssertionError("more was wanted")


def test_it_is_tried_again_and_waits_longer_each_time():
    result, waits = through(Got(0, b"refused", {}), Got(503, b"{}", {"retry-after": "2"}), Got(502, b"", {}), OK)
    assert result == {"version": 3}
    assert waits[0] == 0
    assert 0.2 <= waits[1] < 0.3
    assert 2 <= waits[2] < 2.5
    assert 4 <= waits[3] < 6


@pytest.mark.parametrize(
    ("got", "kind", "says"),
    [
        (Got(422, PROBLEM, {}), BadInput, "no field; /where: at 3"),
        (Got(404, b"<html>", {}), BadInput, "answered 404"),
        (Got(500, PROBLEM, {}), NearkinError, "no field"),
        (Got(504, PROBLEM, {}), NearkinError, "no field"),
        (Got(409, PROBLEM, {}), BadInput, "no field"),
    ],
)
def test_what_will_not_change_is_told_at_once(got, kind, says):
    with pytest.raises(kind, match=says):
        through(got)


def test_it_gives_up_in_the_end():
    with pytest.raises(Busy):
        through(*[Got(503, PROBLEM, {})] * 5)
    with pytest.raises(NearkinError, match="nearkin serve"):
        through(*[Got(0, b"refused", {})] * 5)


class Flaky:
    """A service whose first answer to each request is lost on the way back, after the work was done."""

    def __init__(self):
        self.done, self.keys = [], []

    def __call__(self, request):
        key = request.headers.get("idempotency-key")
        self.keys.append(key)
        if key not in self.done:
            self.done.append(key)
            raise httpx2.ReadError("gone")
        return httpx2.Response(200, content=b'{"summary": {"version": 4}}\n', headers={"Content-Type": "application/x-ndjson"})


def test_a_write_whose_answer_was_lost_is_sent_again_under_the_same_key(monkeypatch):
    service, waited = Flaky(), []
    monkeypatch.setattr("nearkin.client.client.time.sleep", waited.append)
    client = nearkin.connect("http://shop.example/base/", key="nk_a_b")
    client._http = httpx2.Client(transport=httpx2.MockTransport(service), headers=client._http.headers)
    client.remove(["a"])
    assert len(service.keys) == 2
    assert service.keys[0] == service.keys[1] is not None
    assert len(waited) == 2
    client.close()


def test_what_json_cannot_hold_is_refused_before_it_is_sent():
    with nearkin.connect("http://shop.example") as client:
        client._id_field = "id"
        with pytest.raises(BadInput, match="nan"):
            client.add(Catalog.of(["a"], price=[float("nan")]))


def test_a_client_loads_no_storage_engine():
    code = "import sys, nearkin; nearkin.connect('http://x'); print([name for name in ('lance', 'numba', 'torch') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
