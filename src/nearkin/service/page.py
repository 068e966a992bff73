"""The page: files that never ask for a key, under a policy that lets nothing in from elsewhere."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

VIEWS = ("", "next", "compare", "match", "map", "eval", "papers", "admin")  # and what stands below NAMED
NAMED = ("item/", "match/", "papers/", "eval/")
STATIC, TWIN = "static/", ".json"
BASE = '<base href="/" />'
YEAR_S = 31_536_000
KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
OVER_TLS = {"Cross-Origin-Opener-Policy": "same-origin"}  # over plain http a browser ignores it, and complains on the console


@dataclass(frozen=True)
class File:
    """A file as it is and packed, and what kind it is."""

    plain: bytes
    packed: bytes
    kind: str


class Page:
    """An ASGI application before another: it answers for the views and their files, and hands on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _answer(scope) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        await (answer or self.app)(scope, receive, send)


def _answer(scope: Scope) -> Response | None:
    """What the page itself says to this request, if anything."""
    root = scope.get("root_path", "").rstrip("/")
    path = scope["path"].removeprefix(root).removeprefix("/")
    told, digest = every_file()
    more = OVER_TLS if scope.get("scheme") == "https" else {}
    packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
    if path in VIEWS or (path.startswith(NAMED) and not path.endswith(TWIN)):
        return _response(_index(root), packed, {**more, "Cache-Control": "no-cache"})
    name = path.removeprefix(f"{STATIC}{digest}/")
    if path.startswith(STATIC) and name in told:
        return _response(told[name], packed, {**more, "Cache-Control": f"public, max-age={YEAR_S}, immutable"})
    return None


def _response(file: File, packed: bool, more: dict[str, str]) -> Response:
    headers = {**HEADERS, **more, **({"Content-Encoding": "gzip"} if packed else {})}
    return Response(file.packed if packed else file.plain, media_type=f"{file.kind}; charset=utf-8", headers=headers)


@lru_cache(maxsize=1)
def every_file() -> tuple[dict[str, File], str]:
    """The files of the page by name, and a digest of them all, which stands in their addresses so that they may be kept for ever."""
    found = dict(sorted(_files(files("nearkin") / "page")))
    digest = blake2b(b"\0".join(name.encode() + b"\0" + body for name, body in found.items()), digest_size=6).hexdigest()
    return {name: _file(body, _kind(name)) for name, body in found.items()}, digest


@lru_cache(maxsize=4)
def _index(root: str) -> File:
    """The one HTML file, its addresses below this path."""
    told, digest = every_file()
    text = told["index.html"].plain.decode().replace(BASE, f'<base href="{escape(root)}/" />').replace(STATIC, f"{STATIC}{digest}/")
    return _file(text.encode(), "text/html")


def _file(body: bytes, kind: str) -> File:
    return File(body, gzip.compress(body, mtime=0), kind)


def _files(folder: Traversable, before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for each in folder.iterdir():
        name = f"{before}{each.name}"
        found += _files(each, f"{name}/") if each.is_dir() else [(name, each.read_bytes())]
    return found


def _kind(name: str) -> str:
    ending = name[name.rfind(".") :]
    return KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
