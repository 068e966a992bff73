"""Raw bodies that nobody would send: mutated, cut, random, deep, huge, ill encoded, packed; and requests that are hardly HTTP."""

from __future__ import annotations

import gzip
import json
import random
import socket
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

WAIT_S = 90
KINDS = (
    "application/json",
    "application/x-ndjson",
    "application/merge-patch+json",
    "text/plain",
    "application/json; charset=utf-16",
    "",
    "multipart/form-data; boundary=x",
)
IDS = ("t1", "t2", "nothing", "%00", "%ff%fe", "..%2f..%2fkin.toml", "a%20b", quote("שלום"), "x" * 600)


def targets(schema: Any) -> list[tuple[str, str, bytes, str]]:
    """Method, path, an example of a body and its content type of every operation that reads a body."""
    found = []
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            for kind, content in told.get("requestBody", {}).get("content", {}).items():
                found.append((method.upper(), path, _example(content, schema), kind))
    return found


def _example(content: Any, schema: Any) -> bytes:
    shape = content.get("schema", {})
    if reference := shape.get("$ref"):
        shape = schema["components"]["schemas"][reference.rsplit("/")[-1]]
    told = content.get("example") or next(iter(shape.get("examples", [])), None) or {"title": "red shoe", "price": 4}
    return told.encode() if isinstance(told, str) else json.dumps(told).encode()


def _mutated(chance: random.Random, body: bytes) -> bytes:
    """Some bytes changed, put in, taken out, or doubled."""
    found = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(found) + 1)
        what = chance.randrange(4)
        if what == 0:
            found[at:at] = bytes(chance.choice(b'{}[]",:\\0-.eE \x00\xff') for _ in range(chance.randint(1, 4)))
        elif what == 1:
            del found[at : at + chance.randint(1, 6)]
        elif what == 2 and found:
            found[min(at, len(found) - 1)] = chance.randrange(256)
        else:
            found[at:at] = found[at : at + chance.randint(1, 30)]
    return bytes(found)


ODD = (
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "-0",
    "1" * 5000,
    "0.1e-9999",
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"' + "\\u202e" * 50 + '"',
    "9223372036854775808",
    "-9223372036854775809",
    '"' + "a" * 70_000 + '"',
    "[" + ",".join(["1"] * 20_000) + "]",
    '{"$ref": "#"}',
    '{"__proto__": {}}',
    '"\' OR 1=1 --"',
    '"price < 3; DROP TABLE x"',
    '"' + "(" * 3000 + '"',
    '"NOT ' + "NOT " * 1500 + 'nothing IS NULL"',
    '{"id": "\\ud800"}',
    '{"vector": [1e308, -1e308]}',
    "[[[[]]]]",
)


def _swapped(chance: random.Random, body: bytes) -> bytes:
    """One value of the JSON, at any depth, replaced by an odd one."""
    try:
        told = json.loads(body)
    except ValueError:
        return body + chance.choice(ODD).encode()
    mark = "@@odd@@"
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, name))
            walk(value[name])

    walk(told)
    extra = (
        "where",
        "stage",
        "fields",
        "facets",
        "cursor",
        "version",
        "offset",
        "k",
        "timeout_ms",
        "min_relevance",
        "diversity",
        "explain",
        "highlight",
    )
    if isinstance(told, dict) and (chance.random() < 0.5 or not places):
        told[chance.choice(extra)] = mark
    elif places:
        where, name = chance.choice(places)
        where[name] = mark
    return json.dumps(told).replace(f'"{mark}"', chance.choice(ODD)).encode()


def _deep(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice([50, 500, 5_000, 100_000])
    if chance.random() < 0.5:
        return b"[" * depth + (b"]" * depth if chance.random() < 0.5 else b"")
    return b'{"queries":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)


def _encoded(chance: random.Random, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    return chance.choice(
        [text.encode(code) for code in ("utf-16", "utf-32", "utf-7", "utf-8-sig", "cp037")]
        + [b"\xff\xfe\x00" + body, body.replace(b"e", b"\xc3\x28")]
    )


def _packed(chance: random.Random, body: bytes) -> bytes:
    """As told by Content-Encoding, which nobody here unpacks; some of them grow a thousandfold."""
    whole = chance.choice([body, b'{"queries":["' + b"a" * 20_000_000 + b'"]}'])
    return chance.choice([gzip.compress, zlib.compress])(whole)


def _many_lines(chance: random.Random, body: bytes) -> bytes:
    line = chance.choice(
        [
            b'{"put": {"id": "f1", "title": 3}}',
            b'{"delete": "\\ud800"}',
            b'{"patch": null}',
            b"",
            b"\x00",
            b"{",
            b'{"put": {"id": "f2"}}',
            body,
        ]
    )
    return b"\n".join([line] * chance.choice([1, 3, 200]))


MAKERS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "mutated": _mutated,
    "swapped": _swapped,
    "cut": lambda chance, body: body[: chance.randrange(len(body) + 1)],
    "random": lambda chance, body: chance.randbytes(chance.choice([0, 1, 10, 1_000, 50_000])),
    "deep": _deep,
    "encoded": _encoded,
    "packed": _packed,
    "lines": _many_lines,
    "as it is": lambda chance, body: body,
}
WEIGHTS = (30, 30, 10, 8, 4, 6, 1, 6, 5)


class _Line:
    """A connection that is kept as long as the service keeps it."""

    def __init__(self, port: int) -> None:
        self.port, self._socket, self._file = port, None, None

    def ask(self, head: bytes, body: bytes) -> int:
        """The status of the answer; 0 where there is none."""
        for attempt in (0, 1):  # a connection that was closed after the answer before is opened again
            fresh = self._socket is None
            try:
                self._open()
                self._socket.sendall(head + body)
            except OSError:
                pass  # what was answered before all was read can still be read
            status = self._read()
            if status or fresh or attempt:
                return status
        return 0

    def _open(self) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
            self._file = self._socket.makefile("rb")

    def _read(self) -> int:
        try:
            first = self._file.readline()
            if not first.startswith(b"HTTP/1.1 "):
                self.close()
                return 0
            headers = {}
            while (line := self._file.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                headers[name.strip().lower()] = value.strip().lower()
            self._pass(headers)
            if headers.get(b"connection") == b"close":
                self.close()
            return int(first.split()[1])
        except (OSError, ValueError, AttributeError):
            self.close()
            return 0

    def _pass(self, headers: dict[bytes, bytes]) -> None:
        if headers.get(b"transfer-encoding") == b"chunked":
            while size := int(self._file.readline(), 16):
                self._file.read(size + 2)
            self._file.readline()
        else:
            self._file.read(int(headers.get(b"content-length", b"0")))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._file = None


def fuzz(port: int, key: str, count: int, seed: int) -> dict[str, Any]:
    """Send so many; what came of them."""
    chance, line = random.Random(seed), _Line(port)
    asked, statuses, kinds, faults = targets(_schema(port, key)), Counter(), Counter(), []
    for number in range(count):
        method, path, body, kind = chance.choice(asked)
        name = chance.choices(list(MAKERS), WEIGHTS)[0]
        body = MAKERS[name](chance, body)
        if chance.random() < 0.15:
            kind = chance.choice(KINDS)
        path = _filled(chance, path)
        more = "Content-Encoding: gzip\r\n" if name == "packed" and chance.random() < 0.8 else ""
        status = line.ask(_head(chance, method, path, key, kind, more, len(body)), body)
        statuses[str(status)] += 1
        kinds[name] += 1
        if status >= 500 or not status:
            faults.append(f"{number}: {method} {path[:80]} ({name}, {kind}): {status or 'no answer'}: {body[:200]!r}")
        if status == 202:
            _cancel_all(line, port, key)
    broken = _hardly_http(port, key, chance, max(20, count // 50))
    statuses += broken["statuses"]
    line.close()
    faults += broken["faults"] + ([] if _is_well(port, key) else ["the service no longer answers"])
    return {
        "sent": count + sum(broken["statuses"].values()),
        "by status": dict(sorted(statuses.items())),
        "by kind": dict(kinds),
        "targets": len(asked),
        "faults": faults,
    }


def _filled(chance: random.Random, path: str) -> str:
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        path = path[:start] + chance.choice(IDS) + path[end + 1 :]
    return path + chance.choice(["", "", "", "?atomic=true", "?x=%00", "?" + "a=1&" * 200])


def _head(chance: random.Random, method: str, path: str, key: str, kind: str, more: str, length: int) -> bytes:
    more += f"Content-Type: {kind}\r\n" if kind else ""
    more += f"Idempotency-Key: k{chance.randrange(50)}\r\n" if chance.random() < 0.1 else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{more}Content-Length: {length}\r\n\r\n".encode()


def _asked(line: _Line, method: str, path: str, key: str) -> int:
    return line.ask(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode(), b"")


def _fetched(port: int, path: str, key: str) -> Any:
    import httpx2

    return httpx2.get(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=WAIT_S).json()


def _schema(port: int, key: str) -> Any:
    return _fetched(port, "/v1/openapi.json", key)


def _cancel_all(line: _Line, port: int, key: str) -> None:
    """A job to tune may take hours."""
    for job in _fetched(port, "/v1/jobs", key)["jobs"]:
        if job["state"] in ("queued", "running"):
            _asked(line, "DELETE", f"/v1/jobs/{job['id']}", key)


def _is_well(port: int, key: str) -> bool:
    return bool(_fetched(port, "/v1/search?q=red+shoe", key)["hits"][0])


HARDLY = (
    b"\x00\x01\x02\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /v1/search?q=\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://evil.example/v1/search HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"BREW /v1/search HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\xde\xad" * 2000 + b"\r\n\r\n",
    b"GET /v1/search HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /item/%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /v1/items:bulk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nshort",
)


def _hardly_http(port: int, key: str, chance: random.Random, count: int) -> dict[str, Any]:
    """Requests that are cut or are hardly HTTP; what counts is that no answer is a 5xx and that the service goes on."""
    statuses: Counter[str] = Counter()
    faults = []
    for number in range(count):
        text = HARDLY[number % len(HARDLY)].replace(
            b"Host: localhost\r\n", b"Host: localhost\r\nAuthorization: Bearer " + key.encode() + b"\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as made:
            try:
                made.sendall(text)
                made.shutdown(socket.SHUT_WR)
                first = made.makefile("rb").readline()
            except OSError:
                first = b""
        status = int(first.split()[1]) if first.startswith(b"HTTP/1.1 ") else 0
        statuses["hung up" if not status else str(status)] += 1
        if status >= 500:
            faults.append(f"{text[:120]!r}: {status}")
    return {"statuses": statuses, "faults": faults}
