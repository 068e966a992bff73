"""Keys: `nk_<id>_<secret>`, of which only a hash is kept; each has scopes, maybe a filter baked in, maybe a last day."""

from __future__ import annotations

import hmac
import math
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from nearkin.errors import BadInput, listed
from nearkin.service.access import READ, SCOPES, Access, local, no_key
from nearkin.service.problems import Problem
from nearkin.service.state import State

NOTED_S = 60.0  # how exactly it is known when a key was last used
PAY = """
UPDATE keys SET due = max(?1, CASE WHEN due > ?1 + ?3 THEN 0 ELSE due END) + ?2
WHERE id = ?4 AND (due > ?1 + ?3 OR due + ?2 <= ?1 + ?3) RETURNING due
"""  # ?1: now; ?2: seconds a request; ?3: how far ahead may be paid


class Keys:
    """The keys of one collection. Without any, this machine alone may ask, and may do everything."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(
        self, scopes: Iterable[str], *, name: str = "", where: str | None = None, days: float | None = None, rate: float | None = None
    ) -> str:
        """A new key, shown here and never again. Refused: unknown scopes, a filter for more than reading, a rate of nothing."""
        wanted = sorted(set(scopes), key=lambda scope: SCOPES.index(scope) if scope in SCOPES else 0)
        strange = [scope for scope in wanted if scope not in SCOPES]
        if strange or not wanted:
            raise BadInput(f"a key has scopes of {', '.join(SCOPES)}; got {listed(strange) or 'none'}")
        if where is not None and wanted != [READ]:
            raise BadInput("a key with a filter may only read: a write could reach things that it does not see")
        if rate is not None and not 0 < rate < math.inf:
            raise BadInput(f"a rate is a number of requests a second, more than 0; got {rate:g}")
        name_id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), time.time()
        self.state.run(
            "INSERT INTO keys (id, hash, name, scopes, filter, made, expires, rate) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            name_id, _hash(secret), name, ",".join(wanted), where, now, None if days is None else now + days * 86400, rate,
        )  # fmt: skip
        return f"nk_{name_id}_{secret}"

    def listed(self) -> list[dict[str, Any]]:
        """What is known of each key, oldest first; never the key."""
        return [dict(row) for row in self.state.run("SELECT id, name, scopes, filter, made, expires, used, rate FROM keys ORDER BY made")]

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
            with suppress(sqlite3.OperationalError):  # a disk that is full; the key is good all the same
                self.state.run("UPDATE keys SET used = ? WHERE id = ?", now, row["id"])
        return Access(frozenset(row["scopes"].split(",")), row["id"], row["filter"], row["rate"])

    def rate(self, access: Access) -> dict[str, str]:
        """Count a request of a key that may only make so many a second, over all processes; the headers that tell how many are left.

        After a pause a second's worth may come at once. Kept is one moment a key, up to which its requests are paid for; it lies at
        most a second's worth ahead, else the machine was started anew and its clock with it. Refused (429): too many.
        """
        if access.rate is None:
            return {}
        step, now = 1 / access.rate, time.monotonic()
        most = max(1, math.floor(access.rate))
        headers = {"RateLimit-Limit": str(most)}
        try:
            found = self.state.run(PAY, now, step, most * step, access.key)
        except sqlite3.OperationalError:  # a disk that is full; better all than none
            return {}
        if not found:
            wait_s = str(math.ceil(step))
            raise Problem(429, f"this key may ask {access.rate:g} times a second", headers={
                **headers, "RateLimit-Remaining": "0", "RateLimit-Reset": wait_s, "Retry-After": wait_s})  # fmt: skip
        ahead = found[0]["due"] - now
        return {**headers, "RateLimit-Remaining": str(int(most - ahead / step + 1e-6)), "RateLimit-Reset": str(math.ceil(ahead))}


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
