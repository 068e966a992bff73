"""What the page of threats promises: no path leads out, nothing is written without a key, no secret is told, no other site is answered."""

from __future__ import annotations

import hmac
import json
import logging
import shutil
import socket
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from nearkin.service import keys as keyring
from nearkin.service.app import create_app
from nearkin.service.guard import HEADERS
from nearkin.service.page import HEADERS as OF_PAGE
from tests.service.conftest import served

READS = {"search", "similar", "recommend", "explain", "compare", "items", "map_things", "match"}  # asked by POST
ESCAPES = (
    "../kin.toml", "..%2fkin.toml", "%2e%2e/kin.toml", "....//kin.toml", "..\\kin.toml", "/etc/passwd", "%2fetc%2fpasswd", "%00",
    "static/../kin.toml",
)  # fmt: skip


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def locked(place, tmp_path_factory):
    """A shop with keys: the client, the keys by scope, the folder."""
    folder = tmp_path_factory.mktemp("locked") / "shop"
    shutil.copytree(place, folder)
    app = create_app(folder)
    held = app.app.app.state.service.keys
    keys = {"read": held.add(["read"]), "write": held.add(["read", "write"]), "admin": held.add(["read", "write", "admin"])}
    with served(app) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client, keys, folder


@pytest.fixture(scope="module")
def operations(locked):
    """(id, method, path) of every operation, with names in place of what a path leaves open."""
    client, keys, _ = locked
    told = client.get("/v1/openapi.json", headers=bearer(keys["read"])).json()["paths"]
    found = []
    for path, methods in told.items():
        for method, each in methods.items():
            while "{" in path:
                path = path[: path.index("{")] + "shoe" + path[path.index("}") + 1 :]
            found.append((each["operationId"], method.upper(), path))
    return found


def asked(client, method, path, headers=()):
    """A request whose body is no use, so that nothing but the right to ask can matter."""
    kind = "application/x-ndjson" if path.endswith(":bulk") else "application/json"
    body = {} if method in ("GET", "DELETE") else {"content": b"{", "headers": {"Content-Type": kind, **dict(headers)}}
    return client.request(method, path, **{"headers": dict(headers), **body})


def raw(address, path, host="localhost"):
    """The answer to a path that no client would leave as it is."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), 30) as made:
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: made.recv(65536), b""))


def test_no_path_of_the_page_or_of_a_twin_leads_out(http, place):
    secrets = [b"[roles]", b"root:", b"SQLite format"]
    for before in ("/static/", "/static/x/", "/", "/item/", "/papers/", "/v1/papers/", "/v1/jobs/", "/v1/reports/"):
        for escape in ESCAPES:
            for after in ("", ".json"):
                answer = raw(str(http.base_url), f"{before}{escape}{after}")
                assert not [secret for secret in secrets if secret in answer.split(b"\r\n\r\n", 1)[-1]], (before, escape, after)
    assert raw(str(http.base_url), "/static/../static/x").split(b" ", 2)[1] == b"404"


def test_no_name_of_a_file_leads_an_import_out(http):
    for name in ("../kin.toml", "/etc/passwd", "..", ".", ".hidden", "a/b", "a\\b", "a\x00b", "a\n", "", "x" * 300, "%2e%2e"):
        assert http.post("/v1/jobs", json={"kind": "import", "file": name}).status_code == 422, name


def test_no_id_becomes_a_path(http, place):
    def outside():
        return {path.name for path in place.parent.iterdir()}

    before = outside()
    for name in ("../../evil", "/tmp/evil", "evil\\..\\evil", "a/../../evil"):
        assert http.put(f"/v1/items/{quote(name, safe='')}", json={"title": "x"}).status_code in (200, 201)
        assert http.get(f"/v1/items/{quote(name, safe='')}").json()["item"]["id"] == name
    assert outside() == before
    assert not [path for path in place.rglob("*") if "evil" in path.name]


def test_without_a_key_nothing_is_told_and_nothing_is_written(locked, operations):
    client, keys, _ = locked
    version = client.get("/version", headers=bearer(keys["read"])).json()["catalogue"]
    assert len(operations) > 30
    for name, method, path in operations:
        if not path.startswith("/health/"):
            assert asked(client, method, path).status_code == 401, name
    assert client.get("/version", headers=bearer(keys["read"])).json()["catalogue"] == version


def test_a_key_to_read_writes_nothing_and_a_key_to_write_keeps_nothing(locked, operations):
    client, keys, _ = locked
    for name, method, path in operations:
        if method != "GET" and name not in READS:
            assert asked(client, method, path, bearer(keys["read"])).status_code == 403, name
        if path.startswith(("/v1/keys", "/v1/jobs", "/metrics")) and name != "live":
            assert asked(client, method, path, bearer(keys["write"])).status_code == 403, name


def test_a_secret_is_compared_in_constant_time_whether_the_key_is_there_or_not(locked, monkeypatch):
    client, keys, _ = locked
    compared = []

    def compare(one, other):
        compared.append((len(one), len(other)))
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr(keyring.hmac, "compare_digest", compare)
    name = keys["read"].split("_")[1]
    for key in (keys["read"], f"nk_{name}_wrong", f"nk_{name}_" + "x" * 10_000, "nk_absent_wrong", "nk_absent_"):
        client.get("/version", headers=bearer(key))
    assert [each for each in compared if each == (32, 32)] == [(32, 32)] * 5


def test_no_key_stands_in_a_log_in_an_answer_or_on_the_disk(locked, operations, caplog):
    client, keys, folder = locked
    secrets = [key.split("_", 2)[2] for key in keys.values()]
    answers = []
    with caplog.at_level(logging.DEBUG):
        made = client.post("/v1/keys", json={"name": "new"}, headers=bearer(keys["admin"])).json()["key"]
        for _, method, path in operations:
            if method != "DELETE" and not path.endswith("/events"):
                answers.append(asked(client, method, path, bearer(keys["admin"])).text)
        answers += [client.get(path, headers=bearer(keys["read"] + "x")).text for path in ("/version", "/nowhere")]
        answers.append(client.get("/version", headers={"Authorization": f"Basic {keys['read']}"}).text)
    said = caplog.text + "".join(map(str, (record.__dict__ for record in caplog.records)))
    for secret in [*secrets, made.split("_", 2)[2]]:
        assert secret not in said
        assert not [answer for answer in answers if secret in answer]
        assert not [path for path in (folder / ".service").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_every_answer_bears_the_headers_of_safety(locked, operations, http):
    client, keys, _ = locked
    admin, huge = bearer(keys["admin"]), {**bearer(keys["read"]), "Content-Type": "application/json"}
    followed = [each for each in operations if each[1] != "DELETE" and not each[2].endswith("/events")]
    answers = [asked(client, method, path, admin) for _, method, path in followed]
    answers += [client.get("/version"), client.get("/nowhere"), client.request("BREW", "/version"), client.options("/v1/search")]
    answers.append(client.post("/v1/search", content=b"x" * (17 << 20), headers=huge))
    assert {200, 400, 401, 404, 413} <= {answer.status_code for answer in answers}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.request.url
        assert answer.headers["x-request-id"]
        assert "access-control-allow-origin" not in answer.headers
    for path in ("/", "/papers", "/admin", "/item/shoe", "/map"):
        found = http.get(path).headers
        assert {name: found.get(name) for name in OF_PAGE} == OF_PAGE


OTHERS = [("Host", "evil.example"), ("Host", "localhost.evil.example"), ("Origin", "https://evil.example"), ("Origin", "null")]


@pytest.mark.parametrize(("header", "value"), OTHERS)
def test_without_keys_no_other_site_is_answered(http, operations, header, value):
    version = http.get("/version").json()["catalogue"]
    for name, method, path in operations:
        if not path.startswith("/health/"):
            answer = asked(http, method, path, {header: value})
            assert answer.status_code == 403, name
            assert "access-control-allow-origin" not in answer.headers
    assert http.get("/version").json()["catalogue"] == version


def test_a_form_of_another_site_is_no_request(http):
    """What a browser sends without asking first: a form's kinds of body."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = {"Content-Type": kind} if kind else {}
        assert http.post("/v1/links", content=json.dumps({"links": []}).encode(), headers=headers).status_code == 415


def test_an_address_told_by_a_header_is_not_believed_to_be_near(place, tmp_path):
    """The service of this machine alone: a proxy that says whom it speaks for makes them strangers."""
    shutil.copytree(place, tmp_path / "shop")
    with served(create_app(tmp_path / "shop"), proxy_headers=True, forwarded_allow_ips="127.0.0.1") as address:
        assert httpx2.get(f"{address}/version", trust_env=False).status_code == 200
        assert httpx2.get(f"{address}/version", headers={"X-Forwarded-For": "203.0.113.9"}, trust_env=False).status_code == 401
