"""Keys: `nk_<id>_<secret>`, of which only a hash is kept; each has scopes, maybe a filter baked in, maybe a last day."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from nearkin.errors import BadInput, listed
from nearkin.service.access import READ, SCOPES, Access, local, no_key
from nearkin.service.state import State

NOTED_S = 60.0  # how exactly it is known when a key was last used


class Keys:
    """The keys of one collection. Without any, this machine alone may ask, and may do everything."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, scopes: Iterable[str], *, name: str = "", where: str | None = None, days: float | None = None) -> str:
        """A new key, shown here and never again. Refused: unknown scopes, a filter for more than reading."""
        wanted = sorted(set(scopes), key=lambda scope: SCOPES.index(scope) if scope in SCOPES else 0)
        strange = [scope for scope in wanted if scope not in SCOPES]
        if strange or not wanted:
            raise BadInput(f"a key has scopes of {', '.join(SCOPES)}; got {listed(strange) or 'none'}")
        if where is not None and wanted != [READ]:
            raise BadInput("a key with a filter may only read: a write could reach things that it does not see")
        name_id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), time.time()
        self.state.run(
            "INSERT INTO keys (id, hash, name, scopes, filter, made, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
            name_id, _hash(secret), name, ",".join(wanted), where, now, None if days is None else now + days * 86400,
        )  # fmt: skip
        return f"nk_{name_id}_{secret}"

    def listed(self) -> list[dict[str, Any]]:
        """What is known of each key, oldest first; never the key."""
        return [dict(row) for row in self.state.run("SELECT id, name, scopes, filter, made, expires, used FROM keys ORDER BY made")]

    def remove(self, name_id: str) -> None:
        """Never let this key in again. Refused: one that is not there."""
        if not self.state.run("DELETE FROM keys WHERE id = ? RETURNING id", name_id):
            raise BadInput(f"there is no key {name_id!r}; there are {listed(row['id'] for row in self.listed()) or 'none'}")

    def who(self, headers: Mapping[str, str], client: str | None) -> Access:
        """What the caller may do. Refused (401): no key where there are keys, a wrong one, one whose time is over."""
        told = headers.get("authorization")
        if told is None and not self.state.run("SELECT 1 FROM keys LIMIT 1"):
            return local(headers, client)
        kind, _, token = (told or "").partition(" ")
        parts = token.strip().split("_", 2)
        if kind.lower() != "bearer" or len(parts) != 3 or parts[0] != "nk":
            raise no_key("send a key: Authorization: Bearer nk_...")
        return self._known(parts[1], parts[2])

    def _known(self, name_id: str, secret: str) -> Access:
        found = self.state.run("SELECT * FROM keys WHERE id = ?", name_id[:64])
        row, now = found[0] if found else None, time.time()
        right = hmac.compare_digest(_hash(secret), bytes(row["hash"]) if row else bytes(32))
        if row is None or not right or (row["expires"] is not None and row["expires"] < now):
            raise no_key("this key is not known, or its time is over")
        if row["used"] is None or row["used"] < now - NOTED_S:
            self.state.run("UPDATE keys SET used = ? WHERE id = ?", now, row["id"])
        return Access(frozenset(row["scopes"].split(",")), row["id"], row["filter"])


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
