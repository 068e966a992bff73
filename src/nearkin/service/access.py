"""Who may do what: with keys, what the key says; without any, everything, but from this machine alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from nearkin.service.problems import Problem

READ, WRITE, ADMIN = "read", "write", "admin"
SCOPES = (READ, WRITE, ADMIN)
LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Access:
    """What one request may do; `where`: a filter that holds for all it can see; `rate`: requests a second."""

    scopes: frozenset[str]
    key: str | None = None
    where: str | None = None
    rate: float | None = None

    def check(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Problem(403, f"this needs a key with the scope {scope!r}; this one has {', '.join(sorted(self.scopes)) or 'none'}")


ALL = Access(frozenset(SCOPES))


def local(headers: Mapping[str, str], client: str | None) -> Access:
    """Access without a key. Refused: another machine, and a page of another site in a browser on this one (DNS rebinding)."""
    if client is not None and not is_loopback(client):
        raise no_key("this service has no keys yet, so it answers this machine alone; make one with: nearkin key PLACE")
    host = _host(f"//{headers.get('host', '')}")
    if host not in LOCAL:
        raise Problem(
            403, f"without keys the service answers to localhost, not to {host or 'no name'!r}; make a key with: nearkin key PLACE"
        )
    origin = headers.get("origin")
    if origin is not None and _host(origin) not in LOCAL:
        raise Problem(403, "a page of another site asked for this; without keys only pages of this machine may")
    return ALL


def is_loopback(address: str) -> bool:
    """Whether an address or name means this machine."""
    try:
        return ipaddress.ip_address(address.split("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


def no_key(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="nearkin"'})


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
