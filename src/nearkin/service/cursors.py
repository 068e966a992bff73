"""Where the next page begins: a signed text that holds for one query at one version of the catalogue."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

from nearkin.service.problems import refused

FREE = {"cursor", "offset", "k", "timeout_ms", "version", "explain", "fields", "highlight", "facets"}  # may differ from page to page


def written(secret: bytes, asked: BaseModel, version: int, offset: int) -> str:
    """The cursor of the page that begins at this offset."""
    told = json.dumps([version, offset, _digest(asked)], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(secret, told) + told).decode().rstrip("=")


def read(secret: bytes, asked: Any) -> tuple[int, int]:
    """Version and offset of the cursor in a request. Refused: one that was not made here, or for another query."""
    try:
        raw = base64.urlsafe_b64decode(asked.cursor + "=" * (-len(asked.cursor) % 4))
    except ValueError:
        raw = b""
    mark, told = raw[:16], raw[16:]
    if not hmac.compare_digest(mark, _signature(secret, told)):
        raise refused("this cursor was not made here; pass on `next` of an answer as it is", "cursor", "/cursor")
    version, offset, digest = json.loads(told)
    if digest != _digest(asked):
        raise refused("this cursor belongs to another query; ask the same as for the page before", "cursor", "/cursor")
    return version, offset


def _signature(secret: bytes, told: bytes) -> bytes:
    return blake2b(told, key=secret, digest_size=16).digest()


def _digest(asked: BaseModel) -> str:
    return blake2b(asked.model_dump_json(exclude=FREE).encode(), digest_size=8).hexdigest()
