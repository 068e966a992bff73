"""Statements to a PostgreSQL with pgvector: connections that are used again, and errors in our words."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Any, TypeVar

from nearkin.errors import BadInput, Busy, Missing

LEAST_VERSION = (0, 8)  # of pgvector: the first whose graph is walked on until a filter has let enough through
T = TypeVar("T")
_idle: dict[tuple[int, str], list[Any]] = {}  # by process, so that a fork does not speak on its parent's connections
_lock = Lock()


def load_psycopg() -> Any:
    """The driver, or how to install it."""
    try:
        import pgvector.psycopg  # noqa: F401
        import psycopg
    except ImportError as error:
        raise Missing(error.name or "psycopg", "pgvector") from error
    return psycopg


def check_address(address: str) -> None:
    """Refuse what is no address, and one with a password, since addresses are written to disk."""
    psycopg = load_psycopg()
    try:
        told = psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error as error:
        raise BadInput(f"this is no address of a PostgreSQL server: {error}; expected for example 'host=db dbname=shop'") from error
    if told.get("password") or told.get("sslpassword"):
        raise BadInput("leave the password out of the address, which is saved with the index; put it into PGPASSWORD or ~/.pgpass")


def in_transaction(address: str, work: Callable[[Any], T]) -> T:
    """Do this with a cursor: all of it or nothing."""

    def done(connection: Any) -> T:
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            return work(cursor)

    return _on_connection(address, done)


def answers(address: str, settings: tuple[Any, Any] | None, statements: Sequence[tuple[Any, Any]]) -> list[list[tuple[Any, ...]]]:
    """The lines that each statement gives, under settings that hold for these alone; all sent at once, in one way there and back."""

    def done(connection: Any) -> list[list[tuple[Any, ...]]]:
        with connection.pipeline(), nullcontext() if settings is None else connection.transaction():
            if settings is not None:
                connection.execute(*settings)
            cursors = [connection.cursor(binary=True).execute(*statement) for statement in statements]
        return [cursor.fetchall() for cursor in cursors]

    return _on_connection(address, done)


def _on_connection(address: str, work: Callable[[Any], T]) -> T:
    """Do this, once more when the server had closed an idle connection; errors in our words."""
    psycopg = load_psycopg()
    try:
        connection, fresh = _taken(address)
        try:
            return work(connection)
        except psycopg.OperationalError:
            if fresh or not connection.closed:
                raise
        finally:
            _given_back(address, connection)
        _closed_idle(address)
        connection, _ = _taken(address)
        try:
            return work(connection)
        finally:
            _given_back(address, connection)
    except psycopg.errors.UndefinedTable as error:
        raise BadInput(f"the database no longer has the table of this index: {_first_line(error)}; fit the index again") from error
    except psycopg.OperationalError as error:
        raise Busy(f"PostgreSQL does not answer: {_first_line(error)}; see that the server runs and the address is right") from error
    except psycopg.Error as error:
        raise BadInput(f"PostgreSQL refused: {_first_line(error)}") from error


def _taken(address: str) -> tuple[Any, bool]:
    """A connection, and whether it was opened just now."""
    with _lock:
        held = _idle.get((os.getpid(), address))
        if held:
            return held.pop(), False
    return _opened(address), True


def _given_back(address: str, connection: Any) -> None:
    if not connection.closed:
        with _lock:
            _idle.setdefault((os.getpid(), address), []).append(connection)


def _opened(address: str) -> Any:
    psycopg = load_psycopg()
    from pgvector.psycopg import register_vector

    connection = psycopg.connect(address, autocommit=True, application_name="nearkin")
    try:
        _check_extension(connection)
        register_vector(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_extension(connection: Any) -> None:
    """See that pgvector is there and new enough; where we may, it is switched on."""
    psycopg = load_psycopg()
    wanted = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    found = connection.execute(wanted).fetchone()
    if found is None:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            why = _first_line(error)
            raise BadInput(f"this database lacks pgvector ({why}); have its owner install it and run: CREATE EXTENSION vector") from error
        found = connection.execute(wanted).fetchone()
    if tuple(int(part) for part in found[0].split(".")[:2]) < LEAST_VERSION:
        raise BadInput(f"pgvector {found[0]} stops a filtered search early; expected 0.8 at least: ALTER EXTENSION vector UPDATE")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _closed_idle(address: str) -> None:
    with _lock:
        held = _idle.pop((os.getpid(), address), [])
    for connection in held:
        connection.close()


@atexit.register
def close_connections() -> None:
    """Hang up on all servers; the next statement dials again."""
    for process, address in list(_idle):
        if process == os.getpid():
            _closed_idle(address)
