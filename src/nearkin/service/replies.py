"""A write that is sent twice under one Idempotency-Key happens once: the answer is kept on disk for a day."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from nearkin.service import unfinished
from nearkin.service.problems import Flaw, Problem
from nearkin.service.state import State

KEPT_S = 24 * 3600.0
USED = "this Idempotency-Key was used for another request; make a new one for each"


@dataclass(frozen=True)
class Reply:
    """An answer given before."""

    status: int
    kind: str
    body: bytes


class Replies:
    """Kept by key of the caller and Idempotency-Key."""

    def __init__(self, state: State) -> None:
        self.state = state

    def resume(self, place: Path, version: int) -> None:
        """Answer what a crash left without an answer where it was written, and forget the rest.

        Called once, by the process that writes, before it does. Things that are written twice are the same; links would count twice.
        """
        for row in self.state.run("SELECT * FROM replies WHERE status IS NULL AND after IS NOT NULL"):
            if unfinished.was_written(place, row["after"], row["body"]):
                body = json.dumps({"version": version, "links": row["links"]}).encode()
                self.end(row["key"], Reply(200, "application/json", body))
        self.state.run("DELETE FROM replies WHERE status IS NULL")

    def intend(self, key: str, after: int, links: bytes, count: int) -> None:
        """Note, on the disk itself, the links that are about to be written behind this piece."""
        with self.state.durably():
            self.state.run("UPDATE replies SET after = ?, body = ?, links = ? WHERE key = ?", after, links, count, key)

    def begin(self, key: str, digest: bytes) -> Reply | None:
        """None when the write is to be done now, else what it answered. Refused: another body (422), one under way (409)."""
        now = time.time()
        with self.state.together():
            self.state.run("DELETE FROM replies WHERE made < ?", now - KEPT_S)
            found = self.state.run("SELECT * FROM replies WHERE key = ?", key)
            if not found:
                self.state.run("INSERT INTO replies (key, digest, made) VALUES (?, ?, ?)", key, digest, now)
                return None
        kept = found[0]
        if bytes(kept["digest"]) != digest:
            raise Problem(422, USED, flaws=[Flaw(USED, "key-used", parameter="Idempotency-Key")])
        if kept["status"] is None:
            raise Problem(409, "the request with this Idempotency-Key is still under way", headers={"Retry-After": "1"})
        return Reply(kept["status"], kept["kind"], bytes(kept["body"]))

    def end(self, key: str, reply: Reply) -> None:
        self.state.run("UPDATE replies SET status = ?, kind = ?, body = ? WHERE key = ?", reply.status, reply.kind, reply.body, key)

    def forget(self, key: str) -> None:
        """The write failed; the same may be tried again."""
        self.state.run("DELETE FROM replies WHERE key = ?", key)
