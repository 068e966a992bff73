"""Calls to Milvus: one client an address, and errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from nearkin.errors import BadInput, Busy, Missing

QUIET = {"grpc.keepalive_permit_without_calls": False}  # a server ends the line of an idle client that knocks every ten seconds
CANNOT_REACH = 2  # Milvus' own code for a server that does not answer
_clients: dict[tuple[int, str], Any] = {}  # by process, so that a fork does not speak on its parent's connections
_lock = Lock()


def load_pymilvus() -> Any:
    """The driver, or how to install it."""
    try:
        import pymilvus
    except ImportError as error:
        raise Missing("pymilvus", "milvus") from error
    return pymilvus


def connected(address: str) -> Any:
    """The client of this process for an address."""
    with _lock:
        place = (os.getpid(), address)
        if place not in _clients:
            token = os.environ.get("MILVUS_TOKEN", "")
            _clients[place] = load_pymilvus().MilvusClient(address, token=token, grpc_options=QUIET)
        return _clients[place]


@contextmanager
def told() -> Iterator[None]:
    """Milvus' errors in our words; a client that lost its server is dropped, so that the next call dials again."""
    error_type = load_pymilvus().exceptions.MilvusException
    try:
        yield
    except error_type as error:
        if error.code == CANNOT_REACH:
            with _lock:
                for place in [place for place in _clients if place[0] == os.getpid()]:
                    del _clients[place]
            raise Busy(f"Milvus does not answer: {error.message}; see that it runs and the address is right") from error
        raise BadInput(f"Milvus refused: {error.message}; where its collection is gone, fit the index again") from error
