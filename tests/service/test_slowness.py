"""Clients that are slow, idle or many: others are answered as if they were not there."""

from __future__ import annotations

import json
import socket
import time

import httpx2
import pytest

from nearkin.service.app import create_app
from nearkin.service.connections import patient
from nearkin.service.settings import Settings
from tests.service.conftest import served

PATIENCE_S, MOST = 1.0, 40


@pytest.fixture(scope="module")
def address(place):
    settings = Settings(running=2, waiting=4, patience_s=PATIENCE_S)
    with served(create_app(place, settings=settings), http=patient(MOST, PATIENCE_S)) as address:
        yield address


def connected(address):
    host, port = address.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)))
    line.settimeout(30)
    return line


def ended(line):
    """What came until the other side closed."""
    got = b""
    try:
        while more := line.recv(65536):
            got += more
    except ConnectionError:
        pass
    return got


def head(path, length, more=""):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def is_answered(address):
    began = time.monotonic()
    answer = httpx2.post(f"{address}/v1/search", json={"queries": ["shoe"]}, timeout=30, trust_env=False)
    return answer.status_code == 200 and time.monotonic() - began < 20


def test_bodies_that_do_not_come_hold_no_place(address):
    lines = [connected(address) for _ in range(12)]  # more than may run and wait together
    for line in lines:
        line.sendall(head("/v1/search", 100) + b"{")
    assert is_answered(address)
    for line in lines:
        assert ended(line).startswith(b"HTTP/1.1 408")
        line.close()


def test_a_long_body_that_drips_is_given_up(address):
    with connected(address) as line:
        line.sendall(
            head("/v1/items:bulk", 1 << 20).replace(b"application/json", b"application/x-ndjson") + b'{"delete": "nobody"}\n' * 4000
        )
        began, got = time.monotonic(), b""
        line.settimeout(0.1)
        while not got and time.monotonic() - began < 30:  # a part always comes in time, but it is too little
            line.sendall(b"\n")
            try:
                got = line.recv(65536)
            except TimeoutError:
                continue
        assert got.startswith(b"HTTP/1.1 408"), got


def test_a_head_that_does_not_come_is_given_up(address):
    with connected(address) as silent, connected(address) as dripping, connected(address) as second:
        dripping.sendall(b"GET /health/live HT")
        second.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while not got.endswith(b"ok"):  # head and body may come one after the other
            got += second.recv(65536)
        assert got.startswith(b"HTTP/1.1 200")
        second.sendall(b"GET /hea")  # the second request of a connection is no better
        assert [ended(line) for line in (silent, dripping, second)] == [b"", b"", b""]


def test_idle_connections_make_room_for_new_ones(address):
    idle = [connected(address) for _ in range(3 * MOST)]
    assert is_answered(address)
    for line in idle:
        line.close()


def test_a_client_that_does_not_read_is_let_go(address):
    with connected(address) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = b'{"queries": [' + b", ".join([b'"shoe"'] * 256) + b'], "k": 1000, "explain": true}'
        for _ in range(4):
            line.sendall(head("/v1/search", len(body)) + body)
        time.sleep(0.5)
        assert is_answered(address)
        time.sleep(3 * PATIENCE_S)
        assert is_answered(address)


def test_each_setting_is_a_flag_a_variable_and_a_line_of_a_file(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from nearkin.cli.app import app
    from nearkin.service.settings import described

    seen = []
    monkeypatch.setattr("nearkin.cli.serve._run", lambda place, settings: seen.append(settings))
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"}).stdout
    for name in described():
        assert f"--{name.replace('_', '-')}" in shown
        assert f"NEARKIN_{name.upper()}" in shown
    file = tmp_path / "service.toml"
    file.write_text('host = "::1"\nport = 1\nworkers = 3\nlog_queries = true\n')
    asked = ["serve", "shop", "--config", str(file), "--workers", "5"]
    result = CliRunner().invoke(app, asked, env={"NEARKIN_PORT": "2", "NEARKIN_WORKERS": "4"})
    assert result.exit_code == 0, result.output
    assert seen == [Settings(host="::1", port=2, workers=5, log_queries=True)]
    for text, says in (("ports = 1", "ports"), ("port = ", "no TOML"), ("port = 'x'", "port")):
        file.write_text(text)
        refused = CliRunner().invoke(app, asked)
        assert refused.exit_code == 2
        assert says in refused.output
    assert CliRunner().invoke(app, ["serve", "shop", "--workers", "0"]).exit_code == 2


@pytest.mark.parametrize(
    "begin",
    [b"GET /health/live?", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Long: ", head("/v1/search", 2).replace(
        b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\nX-Long: "],
    ids=["address", "header", "trailer"],
)  # fmt: skip
def test_a_head_without_end_is_refused(address, begin):
    with connected(address) as line:
        line.sendall(begin)
        try:
            for _ in range(64):
                line.sendall(b"a" * 16384)
        except ConnectionError:
            pass
        got = ended(line)
        assert got == b"" or got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 503")), got[:100]
    assert is_answered(address)


def test_what_is_no_request_is_told_so_as_any_problem(address):
    with connected(address) as line:
        line.sendall("GET /v1/search?q=\u00e9 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head, body = ended(line).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"application/problem+json" in head
    told = json.loads(body)
    assert (told["status"], told["title"], told["errors"]) == (400, "Bad Request", [])
    assert told["request_id"]
