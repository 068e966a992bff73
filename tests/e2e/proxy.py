"""A small reverse proxy: it ends a prefix, as nginx does, and can be slow or find nobody behind it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "date", "server"}
GONE = b"<html><h1>502 Bad Gateway</h1></html>"


class Proxy(ThreadingHTTPServer):
    """`slow`: seconds to hold back the answer to a request, by its path and body; `cut`: nobody is behind it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.prefix = urlsplit(upstream).netloc, prefix
        self.slow: Callable[[str, bytes], float] = lambda path, body: 0.0
        self.cut = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up, as for a request that it gave up, is no fault."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.server.cut or not self.path.startswith(f"{self.server.prefix}/"):
            return self._say(502 if self.server.cut else 404, {"content-type": "text/html"}, GONE)
        path = self.path.removeprefix(self.server.prefix)
        connection = http.client.HTTPConnection(self.server.upstream, timeout=120)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            connection.request(self.command, path, body or None, {**kept, "Connection": "close"})
            answer = connection.getresponse()
            time.sleep(self.server.slow(path, body))
            self._hand_on(answer)
        finally:
            connection.close()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def _hand_on(self, answer: http.client.HTTPResponse) -> None:
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        if answer.length is not None or self.command == "HEAD":
            return self._say(answer.status, kept, answer.read())
        self._head(answer.status, {**kept, "transfer-encoding": "chunked"})
        while part := answer.read1(65_536):  # a stream of events is handed on as it comes
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")
        return None

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        empty = status in (204, 304)
        self._head(status, headers if empty else {**headers, "content-length": str(len(body))})
        if not empty:
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def behind(upstream: str, prefix: str) -> Iterator[Proxy]:
    """A proxy while it runs in a thread."""
    with Proxy(upstream, prefix) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()
